import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { currentTransaction, mikroOrmExecutor } from './mikro-orm-executor.js';
import { pooledExecutor, type Lender } from './borrow.js';
import { pgExecutor, type PgClient, type PgPool } from './pg-executor.js';
import type { SqlExecutor } from './sql-executor.js';

/**
 * Where statements go:
 * - a `MikroORM` instance: a transaction of its own, or the one of the `em.transactional()` around the call;
 * - an `EntityManager`: joins its transaction when it is in one;
 * - a `pg` `Pool`: a transaction of its own on one connection of the pool;
 * - a `pg` `Client` or `PoolClient`, connected: joins its transaction when it is in one.
 *
 * @publicApi
 */
export type SqlTarget = MikroORM | EntityManager | PgPool | PgClient;

/** A target by its kind; an EntityManager also represents its MikroORM. */
export type KnownTarget = Lender | { readonly client: PgClient };

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
    `Expected a MikroORM instance, an EntityManager, a pg Pool or a pg client, and got ${String(target)}.`,
  );
}

const isPool = (target: SqlTarget): target is PgPool => 'totalCount' in target && 'connect' in target;
const isMikroOrm = (target: SqlTarget): target is MikroORM => 'em' in target && 'driver' in target;
const isEntityManager = (target: SqlTarget): target is EntityManager => 'getTransactionContext' in target;

/**
 * Sends single statements: in the transaction that the target is in, or else each by itself.
 *
 * @throws TypeError if it is not a target
 */
export function toExecutor(target: SqlTarget): SqlExecutor {
  const known = knownTarget(target);
  if ('client' in known) {
    return pgExecutor(known.client);
  }
  const pooled = pooledExecutor(known);
  return 'em' in known ? joiningExecutor(known.em, pooled) : pooled;
}

function joiningExecutor(em: EntityManager, pooled: SqlExecutor): SqlExecutor {
  const joined = mikroOrmExecutor(em, (query) => currentTransaction(em)!.executeQuery(query));
  return {
    query: (...statement) => (currentTransaction(em) === undefined ? pooled : joined).query(...statement),
  };
}
