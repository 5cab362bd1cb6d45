import { quoteLiteral } from '../../sql/identifier.js';

/** Time limits on the server, in milliseconds, and the zone of the session. */
export interface SessionLimits {
  readonly timeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly timeZone: string;
}

/** How much longer than the statement a transaction may wait for its next message, before the server ends the session. */
const IDLE_MARGIN_MS = 5000;

/**
 * One statement that sets, for its transaction, all that a query must not take from the role, the server, or an earlier user of the
 * session: where names are looked up, how long it may take, and how texts are read and written.
 */
export function settingsStatement({ timeoutMs, lockTimeoutMs, timeZone }: SessionLimits): string {
  const limits = {
    statement_timeout: timeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: timeoutMs + IDLE_MARGIN_MS,
    timezone: timeZone,
  };
  return `SELECT ${setConfig(limits)}, ${SAME_FOR_ALL}, ${TRANSACTION_TIMEOUT}`;
}

const setConfig = (settings: Readonly<Record<string, string | number>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `pg_catalog.set_config('${name}', ${quoteLiteral(String(value))}, true)`)
    .join(', ');

const SAME_FOR_ALL = setConfig({
  // Temporary tables and types last: those of an earlier user stand in for nothing.
  search_path: 'pg_catalog, pg_temp',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  extra_float_digits: 1,
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
});

/** Since PostgreSQL 17. It would end the session, while statement_timeout ends the statement. */
const TRANSACTION_TIMEOUT = `CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL
  THEN pg_catalog.set_config('transaction_timeout', '0', true) END`;
