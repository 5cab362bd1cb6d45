import type { EntityManager } from '@mikro-orm/postgresql';
import { currentTransaction, mikroOrmExecutor } from './mikro-orm-executor.js';
import { pgExecutor, type PgClient, type PgPool } from './pg-executor.js';
import type { SqlExecutor } from './sql-executor.js';
import { knownTarget, type SqlTarget } from './sql-target.js';

/** What stands around the work. */
interface Frame {
  begin: string;
  commit: string;
  rollback: string;
}

/**
 * Read committed whatever the database's default is: what is read after a lock was waited for must be what its last holder has
 * left behind.
 */
const TRANSACTION: Frame = { begin: 'BEGIN ISOLATION LEVEL READ COMMITTED', commit: 'COMMIT', rollback: 'ROLLBACK' };
const NESTED: Frame = {
  begin: 'SAVEPOINT prismiq',
  commit: 'RELEASE SAVEPOINT prismiq',
  rollback: 'ROLLBACK TO SAVEPOINT prismiq',
};

/** SQLSTATE 25P01, no_active_sql_transaction. */
const NO_ACTIVE_TRANSACTION = '25P01';

/**
 * Runs `work` atomically: in a transaction of its own or, when the target is in one already, in a savepoint of that. If `work`
 * throws, what it did is undone, and a surrounding transaction stays usable.
 */
export async function inTransaction<T>(target: SqlTarget, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const known = knownTarget(target);
  if ('em' in known) {
    return onEntityManager(known.em, work);
  }
  return 'pool' in known ? onPool(known.pool, work) : onClient(known.client, work);
}

/**
 * Holds the connection for the whole of the work. Inside the host's transaction that keeps concurrent calls, the host's own
 * statements, and above all its rollback, from coming between our savepoint and its release. It goes back to the pool even if it
 * breaks, which MikroORM's own transactions do not see to.
 */
async function onEntityManager<T>(em: EntityManager, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const outer = currentTransaction(em);
  const kysely = outer ?? em.getConnection('write').getClient();
  return kysely.getExecutor().provideConnection((connection) => {
    if (outer?.isCommitted || outer?.isRolledBack) {
      throw new Error(
        'The transaction that this call was part of has ended. Await the call before the transaction ends.',
      );
    }
    const sql = mikroOrmExecutor(em, () => connection);
    return between(sql, outer === undefined ? TRANSACTION : NESTED, work);
  });
}

async function onPool<T>(pool: PgPool, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A pool does not listen to a client that is checked out, and an error that nobody listens to ends the process.
  const ignore = (): void => undefined;
  client.on?.('error', ignore);
  let failed = false;
  try {
    return await between(pgExecutor(client), TRANSACTION, work, () => {
      failed = true;
    });
  } finally {
    client.removeListener?.('error', ignore);
    client.release(failed);
  }
}

/** Calls that run at once on one client would find their savepoints, or their transactions, in each other's way. */
const queues = new WeakMap<PgClient, Promise<unknown>>();

async function onClient<T>(client: PgClient, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const run = async () => {
    const sql = pgExecutor(client);
    return between(sql, (await isInTransaction(sql)) ? NESTED : TRANSACTION, work);
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
    if ((error as { code?: string }).code === NO_ACTIVE_TRANSACTION) {
      return false;
    }
    throw error;
  }
  await sql.query('RELEASE SAVEPOINT prismiq_probe');
  return true;
}

/** @param onUnknownState called when the frame could not be closed: nobody knows then whether a transaction is open */
async function between<T>(
  sql: SqlExecutor,
  { begin, commit, rollback }: Frame,
  work: (sql: SqlExecutor) => Promise<T>,
  onUnknownState: () => void = () => undefined,
): Promise<T> {
  await sql.query(begin);
  try {
    const result = await work(sql);
    await sql.query(commit);
    return result;
  } catch (error) {
    // Why the work failed is what the caller wants to know, whatever becomes of the rollback.
    await sql.query(rollback).catch(onUnknownState);
    throw error;
  }
}
