import { QueryDataError, QueryFailedError, QueryTimeoutError } from '../../errors/query-run.errors.js';
import { PrismiqError } from '../../errors/prismiq.error.js';
import { getSqlState } from '../../sql/sql-state.js';
import { translateError } from '../../sql/translate-error.js';
import { errorContext, type Tenant } from '../../tenancy/tenant.js';

const QUERY_CANCELED = '57014';

/** The transaction of a query only reads: a function that writes fails it. */
const READ_ONLY = '25006';

/** Between the clock of the server and ours. */
const CLOCK_MARGIN_MS = 5;

/** What a client is told. PostgreSQL's own texts name values, and columns that the client may not see. */
const TEXTS: Record<string, string> = {
  '21000': 'A subquery that must return one row returned more than one',
  '22001': 'A text is too long for its type',
  '22003': 'A number is out of the range of its type',
  '22007': 'A date or time is not valid',
  '22008': 'A date or time is out of range',
  '2200G': 'A value has another type than expected',
  '2201B': 'A regular expression is not valid',
  '2201E': 'A logarithm of a number that is not positive',
  '2201F': 'A power that is not defined',
  '2201G': 'A width_bucket with bounds or a count that are not valid',
  '22012': 'Division by zero',
  '22019': 'An escape character is not valid',
  '22023': 'A parameter of a function is not valid',
  '22025': 'A pattern ends with its escape character',
  '22026': 'The lengths of two values differ',
  '22P02': 'A value cannot be converted to the type that is expected',
  '54001': 'The query is too complex',
};

/** Class 22, data exception; a subquery with several rows; a limit of the server that the query exceeds. */
const CAUSED_BY_THE_QUERY = /^(22|21000|54)/;

/** Turns what a run has failed with into a typed error. */
export function translateRunError(error: unknown, tenant: Tenant, elapsedMs: number, timeoutMs: number): unknown {
  const sqlState = getSqlState(error);
  const where = { ...errorContext(tenant), sqlState, cause: error };
  if (sqlState === QUERY_CANCELED && elapsedMs > timeoutMs - CLOCK_MARGIN_MS) {
    return new QueryTimeoutError(timeoutMs, where);
  }
  if (sqlState !== undefined && CAUSED_BY_THE_QUERY.test(sqlState)) {
    return new QueryDataError(TEXTS[sqlState] ?? 'A value of the query cannot be computed', where);
  }
  const translated = translateError(error, where);
  const isRefusal = translated instanceof PrismiqError && (translated.statusCode === 500 || sqlState === READ_ONLY);
  return isRefusal ? new QueryFailedError((error as Error).message, where) : translated;
}
