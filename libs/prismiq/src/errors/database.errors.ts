import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * The database could not be reached, refused the login, or ended the connection.
 *
 * @publicApi
 */
export class ConnectionFailedError extends PrismiqError {
  override readonly code = 'CONNECTION_FAILED';

  constructor(reason: string, context: PrismiqErrorContext) {
    super(
      `Cannot reach the database: ${reason}. Check that the server runs, and the host, port, user and password of the connection.`,
      503,
      false,
      context,
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

/**
 * The database refused a statement for a reason that has no error class of its own; see `sqlState` and `cause`.
 *
 * @publicApi
 */
export class DatabaseError extends PrismiqError {
  override readonly code = 'DATABASE_ERROR';

  constructor(reason: string, context: PrismiqErrorContext) {
    super(
      `The database refused a statement (SQLSTATE ${context.sqlState ?? 'unknown'}): ${reason}`,
      500,
      false,
      context,
    );
  }
}
