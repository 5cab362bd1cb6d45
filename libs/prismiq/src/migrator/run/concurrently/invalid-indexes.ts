import type { SqlExecutor } from '../../../sql/sql-executor.js';

/** The indexes that a statement leaves behind, invalid, when it fails. */
export interface Leftovers {
  readonly schema: string;
  /** The name of the index that CREATE INDEX builds. */
  readonly created?: string | undefined;
  /** Whether REINDEX builds copies, whose names end in `_ccnew`, or in `_ccold` for those that are replaced. */
  readonly copies?: boolean | undefined;
}

/**
 * The invalid indexes that match, those of TOAST tables included. An index of a partitioned table is no leftover: it is invalid until
 * each partition has its own.
 */
export const INVALID_INDEXES = `
  SELECT i.oid, quote_ident(n.nspname) || '.' || quote_ident(i.relname) AS name
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid AND i.relkind = 'i'
  JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
  LEFT JOIN pg_catalog.pg_class main ON main.reltoastrelid = t.oid
  JOIN pg_catalog.pg_namespace s ON s.oid = coalesce(main.relnamespace, t.relnamespace)
  WHERE NOT x.indisvalid AND s.nspname = $1
    AND (i.relname = $2 OR $3::boolean AND i.relname ~ '_cc(new|old)[0-9]*$')`;

/** The values of `$1` to `$3` in {@link INVALID_INDEXES}. */
export const toParameters = ({ schema, created, copies = false }: Leftovers): unknown[] => [
  schema,
  created ?? null,
  copies,
];

/** @returns quoted names with their schemas */
export async function findInvalidIndexes(sql: SqlExecutor, leftovers: Leftovers): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(`${INVALID_INDEXES} ORDER BY i.oid`, toParameters(leftovers));
  return rows.map(({ name }) => name);
}
