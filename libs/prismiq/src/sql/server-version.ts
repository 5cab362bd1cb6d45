import { UnsupportedServerError } from '../errors/database.errors.js';
import type { SqlExecutor } from './sql-executor.js';

/** The oldest version of PostgreSQL that Prismiq works with. */
const OLDEST = 15;

/**
 * @returns whether the server is a Citus coordinator, which takes one statement a call
 * @throws UnsupportedServerError
 */
export async function inspectServer(sql: SqlExecutor): Promise<{ isCitus: boolean }> {
  const [server] = await sql.query<{ number: string; version: string; isCitus: boolean }>(
    `SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS version,
       EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'citus') AS "isCitus"`,
  );
  const { number, version, isCitus } = server!;
  if (Number(number) < OLDEST * 10_000) {
    throw new UnsupportedServerError(version, String(OLDEST));
  }
  return { isCitus };
}
