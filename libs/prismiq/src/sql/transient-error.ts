/** Lock time-out, deadlock, serialization failure. */
const TRANSIENT = new Set(['55P03', '40P01', '40001']);

/**
 * The connection was ended. Errors that refuse one are not among them, except for 08P01: PgBouncer reports with it that it has lost its
 * connection to the server.
 */
const CONNECTION_LOST = new Set(['57P01', '57P02', '25P03', '25P04', '08003', '08006', '08P01', 'ECONNRESET', 'EPIPE']);
/** `pg` gives up a statement after `query_timeout`, while the server goes on with it. */
const CONNECTION_LOST_MESSAGES =
  /^Connection terminated|^Client has encountered a connection error|^Query read timeout/;

interface ErrorLike {
  readonly code?: unknown;
  readonly sqlState?: unknown;
  readonly message?: string;
  readonly cause?: unknown;
}

/** Whether the connection was lost, so that the outcome of what was sent last is unknown. */
export const isConnectionLost = (error: unknown): boolean =>
  matches(error, ({ code, sqlState, message }) => {
    return CONNECTION_LOST.has((sqlState ?? code) as string) || CONNECTION_LOST_MESSAGES.test(message ?? '');
  });

/** Whether the same work may succeed when it is retried. */
export const isTransient = (error: unknown): boolean =>
  isConnectionLost(error) || matches(error, ({ code, sqlState }) => TRANSIENT.has((sqlState ?? code) as string));

/** Whether the error, or one of its causes, meets a condition. */
function matches(error: unknown, condition: (error: ErrorLike) => boolean): boolean {
  if (typeof error !== 'object' || error === null) {
    return false;
  }
  return condition(error) || matches((error as ErrorLike).cause, condition);
}
