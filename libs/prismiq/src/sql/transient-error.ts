import type { PrismiqError } from '../errors/prismiq.error.js';

/** Lock time-out, deadlock, serialization failure; and what ends a connection, but not what refuses one. */
const TRANSIENT_CODES = new Set(['55P03', '40P01', '40001', '57P01', '08003', '08006', 'ECONNRESET', 'EPIPE']);

/** PostgreSQL's code of an error that is not one of ours. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the same may succeed if it is tried again. */
export function isTransient(error: unknown): boolean {
  const { code, sqlState, cause, message } = error as PrismiqError & { code: string };
  return (
    TRANSIENT_CODES.has(sqlState ?? code) ||
    /^Connection terminated|^Client has encountered a connection error/.test(message ?? '') ||
    (cause !== undefined && isTransient(cause))
  );
}
