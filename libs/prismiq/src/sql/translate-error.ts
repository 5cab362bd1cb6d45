import {
  ConnectionFailedError,
  DatabaseError,
  PermissionDeniedError,
  ReadOnlyDatabaseError,
  StatementTimeoutError,
} from '../errors/database.errors.js';
import { PrismiqError, type PrismiqErrorContext } from '../errors/prismiq.error.js';
import { InvalidDocumentError } from '../errors/record.errors.js';
import { TenantNotProvisionedError, TenantOutdatedError } from '../errors/tenancy.errors.js';
import { connectionFailure } from './connection-failure.js';
import { getSqlState } from './sql-state.js';

const UNSTORABLE = 'holds a value that PostgreSQL cannot store, such as the character U+0000 in a text';

/**
 * The codes of class 22, data exception, that a value in a document can cause: string_data_right_truncation,
 * numeric_value_out_of_range, character_not_in_repertoire, invalid_text_representation, untranslatable_character.
 */
const CAUSED_BY_A_VALUE = new Set(['22001', '22003', '22021', '22P02', '22P05']);

/**
 * Turns what `pg` or MikroORM threw into a typed error, by SQLSTATE: behind some poolers and cluster extensions the names of
 * the constraint, table and schema are absent.
 */
export function translateError(error: unknown, context: PrismiqErrorContext): unknown {
  if (error instanceof PrismiqError || !isErrorLike(error)) {
    return error;
  }
  const sqlState = getSqlState(error);
  const where = { ...context, sqlState, cause: error };
  const failure = connectionFailure(error);
  if (failure !== undefined) {
    return new ConnectionFailedError(failure, where);
  }
  switch (sqlState) {
    case undefined:
      return error.message === 'Query read timeout' ? new StatementTimeoutError(CLIENT_TIMEOUT, where) : error;
    case '57014': // query_canceled
      return new StatementTimeoutError(cancellation(error.message), where);
    case '25006': // read_only_sql_transaction
      return new ReadOnlyDatabaseError(error.message, where);
    case '25P02': // in_failed_sql_transaction
      return new DatabaseError(
        `${error.message}. An earlier statement of the transaction has failed: roll it back.`,
        where,
      );
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
      return CAUSED_BY_A_VALUE.has(sqlState)
        ? new InvalidDocumentError([{ type: 'unstorable', path: [], message: UNSTORABLE }], where)
        : new DatabaseError(error.message, where);
  }
}

/** Work that reads, and fails with typed errors. */
export async function withTypedErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw translateError(error, {});
  }
}

/** Whether PostgreSQL refused a statement because of a unique constraint. */
export function isUniqueViolation(error: unknown): boolean {
  return getSqlState(error) === '23505';
}

/** Whether a lock was not granted in time. */
export function isLockTimeout(error: unknown): boolean {
  return getSqlState(error) === '55P03';
}

const CLIENT_TIMEOUT =
  "The client gave up waiting for the answer to a statement: the driver's query_timeout has passed (MikroORM's driverOptions, " +
  'or the options of the pg Pool). The server may have carried the statement out. The connection was closed, unless it belongs to ' +
  'a transaction of the host. Find out what the statement waited for, or raise query_timeout; ' +
  'a statement_timeout or lock_timeout of the role ends a statement on the server as well.';

const SERVER_TIMEOUT =
  'the statement_timeout that is set for the transaction, the role, the database or the server. Find out what the statement ' +
  'waited for, or raise that limit';
const BY_A_PERSON = 'somebody canceled it, with pg_cancel_backend or from a client';

/**
 * PostgreSQL has one code for both reasons, and says which only in the text of the message, in the language of lc_messages. Its
 * English texts have not changed since 8.x; any other text is shown with both.
 */
function cancellation(message: string): string {
  const reason =
    message === 'canceling statement due to statement timeout'
      ? `It took longer than ${SERVER_TIMEOUT}`
      : message === 'canceling statement due to user request'
        ? `Its time limit was not reached: ${BY_A_PERSON}`
        : `Either it took longer than ${SERVER_TIMEOUT}; or ${BY_A_PERSON}`;
  return `PostgreSQL canceled a statement: ${message}. ${reason}.`;
}

/** Not `instanceof`: an error of Node's network layer comes from another realm where the host's tests run in jest. */
function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && typeof (error as Error).message === 'string';
}
