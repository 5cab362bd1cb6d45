import type { EntityManager } from '@mikro-orm/postgresql';
import { breakConnection } from './break-connection.js';
import { BorrowedConnection } from './connection.js';
import { mikroOrmExecutor, submitByMikroOrm, type CompiledQuery, type KyselyConnection } from './mikro-orm-executor.js';
import { checkOut, giveBack, pgExecutor, type PgPool, type PgQuery } from './pg-executor.js';
import type { SqlExecutor, StatementOptions } from './sql-executor.js';
import { endsConnection } from './sql-state.js';

/** What lends connections. */
export type Lender = { readonly em: EntityManager } | { readonly pool: PgPool };

/**
 * Lends a connection for the whole of the work. It goes back to the pool if it is known to be idle and outside of a transaction, and
 * is destroyed otherwise.
 *
 * @param options for statements that have none of their own
 */
export function borrow<T>(
  lender: Lender,
  work: (connection: BorrowedConnection) => Promise<T>,
  options?: StatementOptions,
): Promise<T> {
  return 'pool' in lender ? fromPool(lender.pool, work, options) : fromMikroOrm(lender.em, work, options);
}

async function fromPool<T>(
  pool: PgPool,
  work: (connection: BorrowedConnection) => Promise<T>,
  options: StatementOptions | undefined,
): Promise<T> {
  const client = await checkOut(pool);
  const connection = new BorrowedConnection(pgExecutor(client, options), async (query) =>
    client.query(query as unknown as PgQuery),
  );
  try {
    return await work(connection);
  } finally {
    giveBack(client, !connection.isReusable);
  }
}

/** Not by MikroORM's own transactions, which do not give back a connection that breaks. */
function fromMikroOrm<T>(
  em: EntityManager,
  work: (connection: BorrowedConnection) => Promise<T>,
  options: StatementOptions | undefined,
): Promise<T> {
  return getKysely(em)
    .connection()
    .execute(async (kysely) => {
      const wire = await kysely.getExecutor().provideConnection((lent) => Promise.resolve(lent));
      const executor = mikroOrmExecutor(em, (query) => wire.executeQuery(query), options);
      const connection = new BorrowedConnection(executor, (query) => submitByMikroOrm(em, wire, query), kysely);
      const restore = options?.timeoutMs === undefined ? undefined : limitStatements(wire, options.timeoutMs);
      try {
        return await work(connection);
      } finally {
        restore?.();
        if (!connection.isReusable) {
          await breakConnection(wire);
        }
      }
    });
}

/**
 * Statements that a migration of the host sends over the connection get the time limit, too: Kysely's own way to it is the only one.
 *
 * @returns a function that removes the limit
 */
function limitStatements(wire: KyselyConnection, timeoutMs: number): () => void {
  const own = Object.getOwnPropertyDescriptor(wire, 'executeQuery');
  const original = wire.executeQuery;
  const executeQuery = (query: CompiledQuery, ...rest: unknown[]) => {
    const sql = typeof query.sql === 'string' ? { text: query.sql, query_timeout: timeoutMs } : query.sql;
    return Reflect.apply(original, wire, [{ ...query, sql }, ...rest]) as unknown;
  };
  Object.defineProperty(wire, 'executeQuery', { value: executeQuery, configurable: true, writable: true });
  return () => {
    if (own === undefined) {
      delete (wire as Partial<KyselyConnection>).executeQuery;
    } else {
      Object.defineProperty(wire, 'executeQuery', own);
    }
  };
}

/** Sends each statement by itself, over any connection of the pool. */
export function pooledExecutor(lender: Lender, options?: StatementOptions): SqlExecutor {
  if ('pool' in lender) {
    // The pool itself destroys a client whose statement failed.
    return pgExecutor(lender.pool, options);
  }
  const { em } = lender;
  return mikroOrmExecutor(
    em,
    (query) =>
      getKysely(em)
        .getExecutor()
        .provideConnection(async (wire) => {
          try {
            return await wire.executeQuery(query);
          } catch (error) {
            if (endsConnection(error)) {
              await breakConnection(wire);
            }
            throw error;
          }
        }),
    options,
  );
}

const getKysely = (em: EntityManager) => em.getConnection('write').getClient();
