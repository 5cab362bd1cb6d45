import { DatabaseError } from '../errors/database.errors.js';
import { PrismiqError } from '../errors/prismiq.error.js';
import { getSqlState } from '../sql/sql-state.js';
import { translateError } from '../sql/translate-error.js';

/** An error of the work on one tenant, as a report shows it. */
export function toPrismiqError(error: unknown, schema: string): PrismiqError {
  const translated = translateError(error, { schema });
  // A data exception is bad input for a repository. Here it is a value that a migration could not handle.
  const { message } = error as Error;
  const sqlState = getSqlState(error);
  if (sqlState?.startsWith('22') === true) {
    return new DatabaseError(message, { schema, sqlState, cause: error });
  }
  return translated instanceof PrismiqError
    ? translated
    : new DatabaseError(message ?? String(error), { schema, cause: error });
}
