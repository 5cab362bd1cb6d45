import type { EntityManager } from '@mikro-orm/postgresql';
import { borrow } from './borrow.js';
import { HostConnection, type TransactionOptions } from './connection.js';
import { currentTransaction, mikroOrmExecutor } from './mikro-orm-executor.js';
import { pgExecutor, type PgClient } from './pg-executor.js';
import type { SqlExecutor } from './sql-executor.js';
import { getSqlState } from './sql-state.js';
import { knownTarget, type SqlTarget } from './sql-target.js';

/** SQLSTATE no_active_sql_transaction. */
const NO_ACTIVE_TRANSACTION = '25P01';

/**
 * Runs `work` atomically: in a transaction of its own or, when the target is in one already, in a savepoint of that. If `work`
 * throws, what it did is undone, and a surrounding transaction stays usable.
 *
 * @param options for a transaction of its own
 * @throws ReadOnlyDatabaseError
 */
export async function inTransaction<T>(
  target: SqlTarget,
  work: (sql: SqlExecutor) => Promise<T>,
  options?: TransactionOptions,
): Promise<T> {
  const known = knownTarget(target);
  if ('client' in known) {
    return onClient(known.client, work, options);
  }
  const joined = 'em' in known ? currentTransaction(known.em) : undefined;
  return 'em' in known && joined !== undefined
    ? inSavepoint(known.em, joined, work)
    : borrow(known, (connection) => connection.transaction(work, options));
}

/**
 * Holds the host's connection for the whole of the work. That keeps concurrent calls, the host's own statements, and above all its
 * rollback, from coming between our savepoint and its release.
 */
function inSavepoint<T>(
  em: EntityManager,
  transaction: NonNullable<ReturnType<typeof currentTransaction>>,
  work: (sql: SqlExecutor) => Promise<T>,
): Promise<T> {
  return transaction.getExecutor().provideConnection((wire) => {
    if (transaction.isCommitted || transaction.isRolledBack) {
      throw new Error(
        'The transaction that this call was part of has ended. Await the call before the transaction ends.',
      );
    }
    return new HostConnection(mikroOrmExecutor(em, (query) => wire.executeQuery(query))).savepoint(work);
  });
}

/** Concurrent calls on one client would mix up their savepoints or transactions. */
const queues = new WeakMap<PgClient, Promise<unknown>>();

async function onClient<T>(
  client: PgClient,
  work: (sql: SqlExecutor) => Promise<T>,
  options: TransactionOptions | undefined,
): Promise<T> {
  const run = async () => {
    const sql = pgExecutor(client);
    const isJoined = await isInTransaction(sql);
    const connection = new HostConnection(sql);
    return isJoined ? connection.savepoint(work) : connection.transaction(work, options);
  };
  const turn = (queues.get(client) ?? Promise.resolve()).then(run, run);
  queues.set(client, turn);
  return turn;
}

/** `pg` has no public way, across its versions, to ask this; the server refuses a savepoint outside of a transaction. */
async function isInTransaction(sql: SqlExecutor): Promise<boolean> {
  try {
    await sql.query('SAVEPOINT prismiq_probe');
  } catch (error) {
    if (getSqlState(error) === NO_ACTIVE_TRANSACTION) {
      return false;
    }
    throw error;
  }
  await sql.query('RELEASE SAVEPOINT prismiq_probe');
  return true;
}
