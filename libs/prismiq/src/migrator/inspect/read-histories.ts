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

interface HistoryRow {
  readonly name: string;
  readonly hash: string;
}

/** A statement locks each table that it reads, and PostgreSQL has room for some thousand locks. */
const HISTORIES_PER_STATEMENT = 100;

/** Adds up to the same number for the same names in any order, which is much faster than to sort them. */
export const historyDigest = (column: string): string => `sum(${nameHash(column)})`;
const nameHash = (column: string): string => `hashtextextended(${column}, 0)`;

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
  const names = new Map(rows.map(({ schema }) => [schema, new Map<string, HistoryRow[]>()]));
  const tables = rows.flatMap(({ schema, tables }) =>
    set.sources.filter(({ historyTable }) => tables.includes(historyTable)).map((source) => ({ schema, source })),
  );
  for (let start = 0; start < tables.length; start += HISTORIES_PER_STATEMENT) {
    const chunk = tables.slice(start, start + HISTORIES_PER_STATEMENT);
    const lists = chunk.map((): HistoryRow[] => []);
    const selects = chunk.map(
      ({ schema, source: { historyTable } }, index) =>
        `SELECT ${index} AS "table", name, ${nameHash('name')}::text AS hash FROM ${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`,
    );
    const records = await sql.query<HistoryRow & { table: number }>(selects.join(' UNION ALL '));
    records.forEach(({ table, ...row }) => lists[table]!.push(row));
    chunk.forEach(({ schema, source }, index) => names.get(schema)!.set(source.name, lists[index]!));
  }
  return new Map([...names].map(([schema, bySource]) => [schema, toHistories(bySource, set)]));
}

function toHistories(rows: ReadonlyMap<string, HistoryRow[]>, set: MigrationSet): Histories {
  const recorded = new Set<string>();
  const digests = new Map<string, string>();
  for (const [source, list] of rows) {
    list.forEach(({ name }) => recorded.add(set.labelOf(source, name)));
    digests.set(source, list.reduce((sum, { hash }) => sum + BigInt(hash), 0n).toString());
  }
  return { digests, recorded };
}
