import { quoteIdentifier, quoteLiteral } from '../../sql/identifier.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import type { CatalogComparer, CatalogComparison } from './catalog-comparer.js';
import type { MigrationSet } from '../../migrations/migration-set.js';

/** What a tenant's schema holds. */
export interface TenantSnapshot {
  readonly schemaExists: boolean;
  /** A number that stands for the names in each history table, by source; a source without such a table is absent. */
  readonly histories: ReadonlyMap<string, string>;
  /** What the histories record, as `source:name`. */
  readonly recorded: ReadonlySet<string>;
  /** How Prismiq's tables differ from each version; `undefined`: there are none. */
  readonly tables: CatalogComparison | undefined;
  /** Whether the histories were not read, but assumed to be those of other tenants. */
  readonly isAssumed?: boolean;
}

/** A statement locks each table that it reads, and PostgreSQL has room for some thousand locks. */
const HISTORIES_A_STATEMENT = 100;

/** Reads the state of some schemas, and writes nothing. */
export async function readSnapshots(
  sql: SqlExecutor,
  set: MigrationSet,
  judge: CatalogComparer,
  schemas: readonly string[],
): Promise<Map<string, TenantSnapshot>> {
  // One after the other: what somebody else has migrated in between is tables without a record then, of which its transaction makes
  // sure, and not a record without tables, which would be reported.
  const found = await readHistories(sql, set, schemas);
  const judgements = await judge.judge(sql, schemas);
  return new Map(
    schemas.map((schema) => {
      const { histories, recorded } = found.get(schema) ?? NOTHING;
      return [schema, { schemaExists: found.has(schema), histories, recorded, tables: judgements.get(schema) }];
    }),
  );
}

type Histories = Pick<TenantSnapshot, 'histories' | 'recorded'>;

const NOTHING: Histories = { histories: new Map(), recorded: new Set() };

/** The histories of the schemas that exist. */
async function readHistories(
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
  for (let start = 0; start < tables.length; start += HISTORIES_A_STATEMENT) {
    const chunk = tables.slice(start, start + HISTORIES_A_STATEMENT);
    const lists = chunk.map((): HistoryRow[] => []);
    const selects = chunk.map(
      ({ schema, source: { historyTable } }, index) =>
        `SELECT ${index} AS "table", name, ${hashOf('name')}::text AS hash FROM ${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`,
    );
    const records = await sql.query<HistoryRow & { table: number }>(selects.join(' UNION ALL '));
    records.forEach(({ table, ...row }) => lists[table]!.push(row));
    chunk.forEach(({ schema, source }, index) => names.get(schema)!.set(source.name, lists[index]!));
  }
  return new Map([...names].map(([schema, bySource]) => [schema, historiesOf(bySource, set)]));
}

interface HistoryRow {
  readonly name: string;
  readonly hash: string;
}

function historiesOf(rows: ReadonlyMap<string, HistoryRow[]>, set: MigrationSet): Histories {
  const recorded = new Set<string>();
  const histories = new Map<string, string>();
  for (const [source, list] of rows) {
    list.forEach(({ name }) => recorded.add(set.labelOf(source, name)));
    histories.set(source, list.reduce((sum, { hash }) => sum + BigInt(hash), 0n).toString());
  }
  return { histories, recorded };
}

/** Added up, hashes tell histories apart in any order, and are made much faster than a sorted list of the names. */
const hashOf = (column: string): string => `hashtextextended(${column}, 0)`;

/** A statement that fails if a history is not as the snapshot has it. */
export function assertUnchanged(schema: string, historyTable: string, digest: string | undefined): string {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`;
  return digest === undefined
    ? `SELECT CASE WHEN to_regclass(${quoteLiteral(table)}) IS NULL THEN 0 ELSE CAST(concat('${CHANGED}') AS integer) END`
    : `SELECT CASE WHEN coalesce(sum(${hashOf('name')}), 0) = ${quoteLiteral(digest)}::numeric THEN 0 ` +
        `ELSE CAST(concat('${CHANGED} ', count(*)) AS integer) END FROM ${table}`;
}

/**
 * Takes the lock of a schema, or fails: a session that waits has a snapshot, for whose end CREATE INDEX CONCURRENTLY of whoever
 * has the lock would wait.
 */
export const lockOrFail = (key: string): string =>
  `SELECT CASE WHEN pg_try_advisory_xact_lock(${quoteLiteral(key)}::bigint) THEN 0 ELSE CAST(concat('${LOCKED}') AS integer) END`;

/**
 * A statement can only end a transaction by failing, and without a function only some failures can be had: what is no number is
 * cast to one. `concat` is not computed before it is needed.
 */
const CHANGED = 'prismiq: changed';
const LOCKED = 'prismiq: locked';

export const isChanged = (error: unknown): boolean => (error as Error | undefined)?.message?.includes(CHANGED) === true;
export const isLocked = (error: unknown): boolean => (error as Error | undefined)?.message?.includes(LOCKED) === true;
