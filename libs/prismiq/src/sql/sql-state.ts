/** PostgreSQL's code of an error that the server has sent; `undefined` for all others. */
export function getSqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  // Node's codes, such as EPIPE, have no digit.
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Class 08, and the codes with which the server ends a session. */
const ENDS_CONNECTION = /^(08|57P0|25P03|25P04)/;

/**
 * Whether a connection whose statement failed like this must not be used again: the server did not answer, so that nobody knows
 * what the connection is still busy with, or the answer ends the session.
 */
export function endsConnection(error: unknown): boolean {
  const sqlState = getSqlState(error);
  return sqlState === undefined || ENDS_CONNECTION.test(sqlState);
}
