import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { mikroOrmExecutor } from './mikro-orm-executor.js';
import { pgExecutor, type PgClient, type PgPool } from './pg-executor.js';
import type { SqlExecutor } from './sql-executor.js';

/**
 * Where statements go:
 * - a `MikroORM` instance: a transaction of its own, or the one in whose `em.transactional()` the call stands;
 * - an `EntityManager`: joins its transaction when it is in one;
 * - a `pg` `Pool`: a transaction of its own on one connection of the pool;
 * - a `pg` `Client` or `PoolClient`: joins its transaction when it is in one.
 */
export type SqlTarget = MikroORM | EntityManager | PgPool | PgClient;

/** SQLSTATE 25P01, no_active_sql_transaction. */
const NO_ACTIVE_TRANSACTION = '25P01';

/**
 * Runs `work` atomically: in a transaction of its own or, when the target is in one already, in a savepoint of that. If `work`
 * throws, what it did is undone, and a surrounding transaction stays usable.
 */
export async function inTransaction<T>(target: SqlTarget, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  if (typeof target !== 'object' || target === null) {
    throw unusable(target);
  }
  if (isPool(target)) {
    return onPool(target, work);
  }
  if (isMikroOrm(target)) {
    return onEntityManager(target.em, work);
  }
  if (isEntityManager(target)) {
    return onEntityManager(target, work);
  }
  if (typeof target.query !== 'function') {
    throw unusable(target);
  }
  return onClient(target, work);
}

const unusable = (target: unknown) =>
  new TypeError(
    `A MikroORM instance, an EntityManager, a pg Pool or a pg client is needed, and not ${String(target)}.`,
  );

const isPool = (target: SqlTarget): target is PgPool => 'totalCount' in target && 'connect' in target;
const isMikroOrm = (target: SqlTarget): target is MikroORM => 'em' in target && 'driver' in target;
const isEntityManager = (target: SqlTarget): target is EntityManager => 'getTransactionContext' in target;

/**
 * The savepoints of concurrent calls inside one transaction would interleave on its single connection, and releasing one would
 * end another. They queue up, a transaction at a time.
 */
const queues = new WeakMap<object, Promise<unknown>>();

async function onEntityManager<T>(em: EntityManager, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const outer = em.getTransactionContext();
  const run = () =>
    em
      .getConnection('write')
      .transactional((inner) => work(mikroOrmExecutor(em, () => inner)), outer === undefined ? {} : { ctx: outer });
  if (outer === undefined) {
    return run();
  }
  const turn = (queues.get(outer) ?? Promise.resolve()).then(run, run);
  queues.set(
    outer,
    turn.catch(() => undefined),
  );
  return turn;
}

async function onPool<T>(pool: PgPool, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await between(client, 'BEGIN', 'COMMIT', 'ROLLBACK', work);
  } finally {
    // The pool itself discards a client whose connection has failed.
    client.release();
  }
}

async function onClient<T>(client: PgClient, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  return (await isInTransaction(client))
    ? between(client, 'SAVEPOINT prismiq', 'RELEASE SAVEPOINT prismiq', 'ROLLBACK TO SAVEPOINT prismiq', work)
    : between(client, 'BEGIN', 'COMMIT', 'ROLLBACK', work);
}

/** `pg` has no public way, across its versions, to ask this; the server refuses a savepoint outside of a transaction. */
async function isInTransaction(client: PgClient): Promise<boolean> {
  try {
    await client.query('SAVEPOINT prismiq_probe');
  } catch (error) {
    if ((error as { code?: string }).code === NO_ACTIVE_TRANSACTION) {
      return false;
    }
    throw error;
  }
  await client.query('RELEASE SAVEPOINT prismiq_probe');
  return true;
}

async function between<T>(
  client: PgClient,
  begin: string,
  commit: string,
  rollback: string,
  work: (sql: SqlExecutor) => Promise<T>,
): Promise<T> {
  await client.query(begin);
  try {
    const result = await work(pgExecutor(client));
    await client.query(commit);
    return result;
  } catch (error) {
    // Where even the rollback fails the connection is gone; why is what the caller wants to know.
    await client.query(rollback).catch(() => undefined);
    throw error;
  }
}
