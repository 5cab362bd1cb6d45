import { ConnectionFailedError, DatabaseError, PermissionDeniedError } from '../errors/database.errors.js';
import { PrismiqError, type PrismiqErrorContext } from '../errors/prismiq.error.js';
import { InvalidDocumentError } from '../errors/record.errors.js';
import { TenantNotProvisionedError, TenantOutdatedError } from '../errors/tenancy.errors.js';

/** Network failures as Node reports them, before any SQLSTATE exists. */
const NETWORK_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT', // a Unix socket that is not there
  'ENOTFOUND',
  'EPERM',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

const UNSTORABLE = 'holds a value that PostgreSQL cannot store, such as the character U+0000 in a text';

/** Texts of `pg` and `pg-pool`, which have no code. */
const CONNECTION_MESSAGES = new RegExp(
  [
    '^Connection terminated',
    '^timeout exceeded when trying to connect',
    '^Query read timeout',
    '^Client (has encountered a connection error|was closed)',
    '^Cannot use a pool after calling end',
    '^The server does not support SSL connections',
  ].join('|'),
);

/**
 * Turns what `pg` or MikroORM threw into a typed error, by SQLSTATE: behind some poolers and cluster extensions the names of
 * the constraint, table and schema are absent.
 */
export function translateError(error: unknown, context: PrismiqErrorContext): unknown {
  if (error instanceof PrismiqError || !isErrorLike(error)) {
    return error;
  }
  const code = codeOf(error);
  const sqlState = code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
  const where = { ...context, sqlState, cause: error };
  if (isConnectionFailure(error, code)) {
    return new ConnectionFailedError(error.message || String(code), where);
  }
  switch (sqlState) {
    case undefined:
      return error;
    case '42501': // insufficient_privilege
      return new PermissionDeniedError(error.message, where);
    case '42P01': // undefined_table
    case '3F000': // invalid_schema_name
      return context.tenantId === undefined
        ? new DatabaseError(error.message, where)
        : new TenantNotProvisionedError(where);
    case '42703': // undefined_column
      return context.tenantId === undefined ? new DatabaseError(error.message, where) : new TenantOutdatedError(where);
    default:
      // Class 22, data exception: a value that PostgreSQL cannot store, such as U+0000 in a text.
      return sqlState.startsWith('22')
        ? new InvalidDocumentError([{ type: 'unstorable', path: [], message: UNSTORABLE }], where)
        : new DatabaseError(error.message, where);
  }
}

/** Whether PostgreSQL refused a statement because of a unique constraint. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/** Whether a lock was not granted in time. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

function codeOf(error: unknown): string | undefined {
  const { code, errors } = error as { code?: unknown; errors?: unknown[] };
  if (typeof code === 'string') {
    return code;
  }
  // Node reports a host with several addresses as an AggregateError.
  return errors?.[0] === undefined ? undefined : codeOf(errors[0]);
}

/** Not `instanceof`: an error of Node's network layer comes from another realm where the host's tests run in jest. */
function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && typeof (error as Error).message === 'string';
}

function isConnectionFailure(error: Error, code: string | undefined): boolean {
  if (code === undefined) {
    return CONNECTION_MESSAGES.test(error.message);
  }
  return (
    NETWORK_ERRORS.has(code) ||
    // connection_exception; invalid_authorization; invalid_catalog_name; too_many_connections
    /^(08...|28...|3D000|53300)$/.test(code) ||
    // operator_intervention, but for query_canceled (57014): that is a statement's time-out
    /^57P/.test(code)
  );
}
