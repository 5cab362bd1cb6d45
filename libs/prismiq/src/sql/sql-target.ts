import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { currentTransaction, mikroOrmExecutor } from './mikro-orm-executor.js';
import { pgExecutor, type PgClient, type PgPool } from './pg-executor.js';
import type { SqlExecutor } from './sql-executor.js';

/**
 * Where statements go:
 * - a `MikroORM` instance: a transaction of its own, or the one in whose `em.transactional()` the call stands;
 * - an `EntityManager`: joins its transaction when it is in one;
 * - a `pg` `Pool`: a transaction of its own on one connection of the pool;
 * - a `pg` `Client` or `PoolClient`, connected: joins its transaction when it is in one.
 *
 * @publicApi
 */
export type SqlTarget = MikroORM | EntityManager | PgPool | PgClient;

/** A target by what it is; an EntityManager stands for its MikroORM as well. */
export type KnownTarget = { em: EntityManager } | { pool: PgPool } | { client: PgClient };

/** @throws TypeError for anything else */
export function knownTarget(target: SqlTarget): KnownTarget {
  if (typeof target === 'object' && target !== null) {
    if (isPool(target)) {
      return { pool: target };
    }
    if (isMikroOrm(target)) {
      return { em: target.em };
    }
    if (isEntityManager(target)) {
      return { em: target };
    }
    if (typeof target.query === 'function') {
      return { client: target };
    }
  }
  throw new TypeError(
    `A MikroORM instance, an EntityManager, a pg Pool or a pg client is needed, and not ${String(target)}.`,
  );
}

const isPool = (target: SqlTarget): target is PgPool => 'totalCount' in target && 'connect' in target;
const isMikroOrm = (target: SqlTarget): target is MikroORM => 'em' in target && 'driver' in target;
const isEntityManager = (target: SqlTarget): target is EntityManager => 'getTransactionContext' in target;

/**
 * Sends single statements: in the transaction that the target is in, or else each by itself.
 *
 * @throws TypeError when this is no target
 */
export function executorOf(target: SqlTarget): SqlExecutor {
  const known = knownTarget(target);
  if ('em' in known) {
    const { em } = known;
    return mikroOrmExecutor(em, () => currentTransaction(em) ?? em.getConnection('write').getClient());
  }
  return pgExecutor('pool' in known ? known.pool : known.client);
}
