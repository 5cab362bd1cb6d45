import type { SqlExecutor } from '../../sql/sql-executor.js';
import type { TenantProblem } from './tenant-migration-state.js';

/** Indexes that a failed CREATE INDEX CONCURRENTLY has left behind, by schema. */
export async function invalidIndexes(sql: SqlExecutor): Promise<Map<string, TenantProblem[]>> {
  const rows = await sql.query<{ schema: string; indexes: string[] }>(
    `SELECT n.nspname::text AS schema, array_agg(i.relname::text) AS indexes
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     WHERE NOT x.indisvalid GROUP BY n.nspname`,
  );
  return new Map(
    rows.map(({ schema, indexes }) => {
      const names = indexes.join(', ');
      const message = `Not valid: index ${names}, because CREATE INDEX CONCURRENTLY failed. Migrate again, or drop it.`;
      return [schema, [{ kind: 'drifted', message }]];
    }),
  );
}
