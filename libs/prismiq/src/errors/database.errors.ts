import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * The database could not be reached, refused the login, or ended the connection. Where the connection was lost while a write was
 * under way, the server may have carried the write out.
 *
 * @publicApi
 */
export class ConnectionFailedError extends PrismiqError {
  override readonly code = 'CONNECTION_FAILED';

  /** @param message says what happened to the connection, and what to do */
  constructor(message: string, context: PrismiqErrorContext) {
    super(message, 503, false, context);
  }
}

/**
 * The server takes no writes: a standby, or a primary that has become one. The connection is closed, so that the next one can find
 * the new primary.
 *
 * @publicApi
 */
export class ReadOnlyDatabaseError extends PrismiqError {
  override readonly code = 'READ_ONLY_DATABASE';

  constructor(reason: string, context: PrismiqErrorContext) {
    super(
      `The database takes no writes: ${reason}. Make sure that the connection leads to the primary server ` +
        'and that the transaction is not READ ONLY. The connection was closed; try again.',
      503,
      false,
      context,
    );
  }
}

/**
 * A statement took longer than it may, or was canceled. If `sqlState` is undefined, the client gave up waiting, and the server may
 * have carried the statement out; otherwise it has no effect.
 *
 * @publicApi
 */
export class StatementTimeoutError extends PrismiqError {
  override readonly code = 'STATEMENT_TIMEOUT';

  /** @param message says whose limit it was, and what to do */
  constructor(message: string, context: PrismiqErrorContext) {
    super(message, 503, false, context);
  }
}

/**
 * The server is older than the oldest version of PostgreSQL that Prismiq works with.
 *
 * @publicApi
 */
export class UnsupportedServerError extends PrismiqError {
  override readonly code = 'UNSUPPORTED_SERVER';

  constructor(
    readonly found: string,
    readonly needed: string,
  ) {
    super(
      `The server is PostgreSQL ${found}. Prismiq needs PostgreSQL ${needed} or newer: upgrade the server.`,
      500,
      false,
    );
  }
}

/**
 * The database role lacks a privilege.
 *
 * @publicApi
 */
export class PermissionDeniedError extends PrismiqError {
  override readonly code = 'PERMISSION_DENIED';

  constructor(reason: string, context: PrismiqErrorContext) {
    const on = context.schema === undefined ? 'the schema' : `schema "${context.schema}"`;
    super(
      `The database role lacks a privilege: ${reason}. Grant it USAGE and CREATE on ${on} to make tables, ` +
        'USAGE and the rights on its tables, prismiq_migrations included, to use them (CREATE on the database to make schemas).',
      500,
      false,
      context,
    );
  }
}

/** Deadlock, serialization failure, lock time-out, and class 53, insufficient resources: the same statement may succeed later. */
const TRANSIENT = /^(40001|40P01|55P03|53)/;

/**
 * The database refused a statement for a reason that has no error class of its own; see `sqlState` and `cause`. Its status is 503
 * where the same statement may succeed later, and 500 otherwise.
 *
 * @publicApi
 */
export class DatabaseError extends PrismiqError {
  override readonly code = 'DATABASE_ERROR';

  constructor(reason: string, context: PrismiqErrorContext) {
    super(
      `The database refused a statement (SQLSTATE ${context.sqlState ?? 'unknown'}): ${reason}`,
      TRANSIENT.test(context.sqlState ?? '') ? 503 : 500,
      false,
      context,
    );
  }
}
