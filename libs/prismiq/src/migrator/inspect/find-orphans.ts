import { TABLE_NAMES } from '../../schema/expected-catalog.js';
import { PRISMIQ_HISTORY_TABLE } from '../../schema/history.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';

/** Schemas with tables of Prismiq that belong to no tenant. */
export async function findOrphans(sql: SqlExecutor, known: { has(schema: string): boolean }): Promise<string[]> {
  const rows = await sql.query<{ schema: string }>(
    `SELECT DISTINCT n.nspname::text AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = ANY($1) AND c.relkind IN ('r', 'p') ORDER BY 1`,
    [[...TABLE_NAMES, PRISMIQ_HISTORY_TABLE]],
  );
  return rows.map(({ schema }) => schema).filter((schema) => !known.has(schema));
}
