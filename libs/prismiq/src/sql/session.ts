import { quoteIdentifier } from './identifier.js';
import type { SqlExecutor } from './sql-executor.js';

/** Limits and names of a transaction that changes tables. Without one, the session's own applies. */
export interface SessionSettings {
  readonly lockTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  /** Where names without a schema are looked up. */
  readonly searchPath?: readonly string[] | undefined;
}

/**
 * Read committed, so that a statement that follows a lock sees what the last holder of the lock has committed, and read write, whatever
 * the database's and the role's defaults are.
 */
export const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';

/** Time limits on the server. */
export interface TransactionLimits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** Begins with time limits, which cost no round trip in the same text. */
export const beginWithin = ({ lockTimeoutMs, statementTimeoutMs }: TransactionLimits): string =>
  `${BEGIN}; SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = ${statementTimeoutMs}`;

/** For work that also runs on a standby. */
export const BEGIN_READ_ONLY = 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY';

/**
 * The first statements of a transaction that changes tables: what the role, the database, the server or an earlier user of the
 * session has set does not apply in it.
 *
 * PostgreSQL's own schema is searched before the path, and temporary tables last: neither a function of a tenant's schema nor a
 * temporary table of an earlier user takes the place of what a statement means. An empty path leaves only qualified names.
 */
export function settingStatements({ lockTimeoutMs, statementTimeoutMs, searchPath }: SessionSettings): string[] {
  const path = searchPath && [...searchPath.map(quoteIdentifier), 'pg_temp'].join(', ');
  return [
    ...setting('lock_timeout', lockTimeoutMs),
    ...setting('statement_timeout', statementTimeoutMs),
    ...setting('search_path', path),
    ...setting('idle_in_transaction_session_timeout', 0),
    // Since PostgreSQL 17.
    `SELECT set_config('transaction_timeout', '0', true) WHERE current_setting('transaction_timeout', true) IS NOT NULL`,
  ];
}

const setting = (name: string, value: number | string | undefined): string[] =>
  value === undefined ? [] : [`SET LOCAL ${name} = ${value}`];

/**
 * All that a transaction can leave behind in a session, as one text: settings, role, temporary tables, prepared statements, cursors,
 * subscriptions and advisory locks. To be read outside of a transaction.
 */
export async function readSessionState(sql: SqlExecutor): Promise<string> {
  const [row] = await sql.query<{ state: string }>(SESSION_STATE);
  return row!.state;
}

const SESSION_STATE = `SELECT md5(concat_ws(E'\\n', current_user, session_user, current_setting('role'),
  (SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) FROM pg_catalog.pg_settings WHERE source = 'session'),
  (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_catalog.pg_class WHERE relnamespace = pg_my_temp_schema()),
  (SELECT string_agg(name, ',' ORDER BY name) FROM pg_catalog.pg_prepared_statements),
  (SELECT string_agg(name, ',' ORDER BY name) FROM pg_catalog.pg_cursors WHERE is_holdable),
  (SELECT string_agg(channel, ',' ORDER BY channel) FROM pg_catalog.pg_listening_channels() AS channel),
  (SELECT string_agg(concat_ws(':', classid, objid, objsubid), ',' ORDER BY classid, objid, objsubid)
   FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()))) AS state`;
