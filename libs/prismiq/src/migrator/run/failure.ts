import { DatabaseError } from '../../errors/database.errors.js';
import { PrismiqError } from '../../errors/prismiq.error.js';
import { sqlStateOf } from '../../sql/transient-error.js';
import { translateError } from '../../sql/translate-error.js';

/** An error as a report tells of it. */
export function toFailure(error: unknown, schema: string): PrismiqError {
  const translated = translateError(error, { schema });
  // What is bad data for a repository is, here, a value that a migration could not handle.
  const { message } = error as Error;
  const sqlState = sqlStateOf(error);
  if (sqlState?.startsWith('22') === true) {
    return new DatabaseError(message, { schema, sqlState, cause: error });
  }
  return translated instanceof PrismiqError
    ? translated
    : new DatabaseError(message ?? String(error), { schema, cause: error });
}
