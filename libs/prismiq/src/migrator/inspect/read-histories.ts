import type { MigrationSet } from '../../migrations/migration-set.js';
import { quoteIdentifier } from '../../sql/identifier.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';

/** What the history tables of a schema record. */
export interface Histories {
  /** A digest of the names in each history table, by source; a source without such a table is absent. */
  readonly digests: ReadonlyMap<string, string>;
  /** As `source:name`. */
  readonly recorded: ReadonlySet<string>;
}

/** A statement locks each table that it reads, and PostgreSQL has room for some thousand locks. */
const HISTORIES_PER_STATEMENT = 100;

/** A number that is the same for the same names in any order: a sum is much faster than to sort them. */
export const historyDigest = (column: string): string => `coalesce(sum(hashtextextended(${column}, 0)), 0)`;

/** The histories of some schemas; a schema that does not exist is absent. Writes nothing. */
export async function readHistories(
  sql: SqlExecutor,
  set: MigrationSet,
  schemas: readonly string[],
): Promise<Map<string, Histories>> {
  const rows = await sql.query<{ schema: string; tables: string[] }>(
    `SELECT n.nspname::text AS schema, ARRAY(
       SELECT c.relname::text FROM pg_class c
       WHERE c.relnamespace = n.oid AND c.relname = ANY($2) AND c.relkind IN ('r', 'p')
     ) AS tables
     FROM pg_namespace n WHERE n.nspname = ANY($1)`,
    [schemas, set.sources.map(({ historyTable }) => historyTable)],
  );
  const histories = new Map(rows.map(({ schema }) => [schema, emptyHistories()]));
  const tables = rows.flatMap(({ schema, tables }) =>
    set.sources.filter(({ historyTable }) => tables.includes(historyTable)).map((source) => ({ schema, source })),
  );
  for (let start = 0; start < tables.length; start += HISTORIES_PER_STATEMENT) {
    const chunk = tables.slice(start, start + HISTORIES_PER_STATEMENT);
    // One row for each table, as text: thousands of rows, and the parsing of arrays, would take longer than the reading.
    const selects = chunk.map(
      ({ schema, source: { historyTable } }, index) =>
        `SELECT ${index} AS "table", string_agg(name, E'\\n') AS names, ${historyDigest('name')}::text AS digest ` +
        `FROM ${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`,
    );
    const records = await sql.query<{ table: number; names: string | null; digest: string }>(
      selects.join(' UNION ALL '),
    );
    for (const { table, names, digest } of records) {
      const { schema, source } = chunk[table]!;
      const { digests, recorded } = histories.get(schema)!;
      digests.set(source.name, digest);
      names?.split('\n').forEach((name) => recorded.add(set.toLabel(source.name, name)));
    }
  }
  return histories;
}

const emptyHistories = () => ({ digests: new Map<string, string>(), recorded: new Set<string>() });
