import { quoteIdentifier, quoteLiteral } from '../../sql/identifier.js';
import { historyDigest } from '../inspect/read-histories.js';

/**
 * A statement can end its transaction only by failing, and without a function of our own few failures carry a text. So a text that is
 * no number is cast to one. `concat` keeps PostgreSQL from evaluating the cast when it plans the statement.
 */
const CHANGED = 'prismiq: changed';
const LOCKED = 'prismiq: locked';

/** A statement that fails if a history is not what was read before. */
export function assertHistory(schema: string, historyTable: string, digest: string | undefined): string {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`;
  return digest === undefined
    ? `SELECT CASE WHEN to_regclass(${quoteLiteral(table)}) IS NULL THEN 0 ELSE CAST(concat('${CHANGED}') AS integer) END`
    : `SELECT CASE WHEN ${historyDigest('name')} = ${quoteLiteral(digest)}::numeric THEN 0 ` +
        `ELSE CAST(concat('${CHANGED} ', count(*)) AS integer) END FROM ${table}`;
}

/**
 * A statement that takes the lock of a schema, or fails. It does not wait: a session that waits has a snapshot, and a CREATE INDEX
 * CONCURRENTLY of the session that holds the lock would wait for the end of that snapshot.
 */
export const lockOrFail = (key: string): string =>
  `SELECT CASE WHEN pg_try_advisory_xact_lock(${quoteLiteral(key)}::bigint) THEN 0 ELSE CAST(concat('${LOCKED}') AS integer) END`;

/** The failure of {@link lockOrFail}, for a tenant in which a statement still runs whose process has ended. */
export const lockFailure = (message: string): Error => new Error(`"${LOCKED}": ${message}`);

export const isAssertionFailure = (error: unknown): boolean => hasText(error, CHANGED);
export const isLockFailure = (error: unknown): boolean => hasText(error, LOCKED);

const hasText = (error: unknown, text: string): boolean =>
  (error as Error | undefined)?.message?.includes(`"${text}`) === true;
