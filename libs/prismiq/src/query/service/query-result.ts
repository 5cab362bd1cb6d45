import { TOO_MANY_GAPS } from '../compile/compiled-query.js';
import type { Cached } from '../cache/query-cache.js';
import type { RunResult } from '../run/query-runner.js';
import type { QueryValue } from '../run/value-types.js';
import type { PreparedStatement } from './prepared-statement.js';

/** The rows of a query. @publicApi */
export interface QueryResult {
  /** The names of the columns, also if there are no rows. */
  columns: string[];
  /** As `information_schema` spells them: `character varying`, `ARRAY`; `text` for enums and unknown types. */
  columnTypes: string[];
  /** In the order of `columns`. */
  rows: QueryValue[][];
  /** The number of `rows`. */
  rowCount: number;
  /** Whether the server's maximum cut rows. A limit of the query's own does not count. */
  truncated: boolean;
  /** Milliseconds that the statement took when it ran. */
  executionTimeMs: number;
  /** When the result was stored in the cache; null without a cache. */
  cachedAt: Date | null;
  /** Whether this result came from the cache. */
  isFromCache: boolean;
  /** What was left out of the query, in sentences for its author. */
  warnings: string[];
}

export function toQueryResult(
  { columns, hasFillMarker, warnings }: PreparedStatement,
  { value, cachedAt, isFromCache }: Omit<Cached<RunResult>, 'cachedAt'> & { cachedAt: Date | null },
): QueryResult {
  const names = columns ?? value.names;
  const width = names.length;
  const isUnfilled = hasFillMarker && value.rows.some((row) => row[width] === false);
  const rows = hasFillMarker ? value.rows.map((row) => row.slice(0, width)) : value.rows;
  return {
    columns: [...names],
    columnTypes: value.types.slice(0, width),
    rows,
    rowCount: rows.length,
    truncated: value.isTruncated,
    executionTimeMs: Math.round(value.durationMs * 100) / 100,
    cachedAt,
    isFromCache,
    warnings: isUnfilled ? [...warnings, TOO_MANY_GAPS] : [...warnings],
  };
}
