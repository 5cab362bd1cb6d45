import { getSqlState } from '../../sql/sql-state.js';
import { isConnectionLost, isTransient } from '../../sql/transient-error.js';
import { isAssertionFailure, isLockFailure } from './tenant-assertions.js';

export type ErrorClass =
  /** Another session holds the schema's lock: the tenant's turn comes again. */
  | 'locked'
  /** The tenant was changed after it was inspected: it is inspected again. */
  | 'changed'
  /** The connection was lost, so that the outcome is unknown: it is inspected, and tried again. */
  | 'connection-lost'
  /** The same may succeed later: it is tried again. */
  | 'transient'
  /** PostgreSQL refused a statement: it is sent again statement by statement, to name the one that failed. */
  | 'refused'
  /** Only a repair helps. */
  | 'final';

const DUPLICATE_SCHEMA = '42P06';

/** What an error of the work on a tenant means for the next attempt. */
export function classifyError(error: unknown): ErrorClass {
  if (isLockFailure(error)) {
    return 'locked';
  }
  if (isAssertionFailure(error) || getSqlState(error) === DUPLICATE_SCHEMA) {
    return 'changed';
  }
  if (isConnectionLost(error)) {
    return 'connection-lost';
  }
  if (isTransient(error)) {
    return 'transient';
  }
  return getSqlState(error) === undefined ? 'final' : 'refused';
}
