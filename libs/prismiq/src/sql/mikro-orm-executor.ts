import type { EntityManager, Kysely } from '@mikro-orm/postgresql';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { pgQuery } from './pg-executor.js';
import type { SqlExecutor, StatementOptions } from './sql-executor.js';
import type { SubmittedQuery } from './submitted-query.js';

/** MikroORM's access to a connection. Kysely is a dependency of MikroORM and cannot be imported from here. */
export type KyselyConnection = Parameters<
  Parameters<ReturnType<Kysely<unknown>['getExecutor']>['provideConnection']>[0]
>[0];
export type CompiledQuery = Parameters<KyselyConnection['executeQuery']>[0];

/** A transaction of MikroORM. */
type OpenTransaction = Kysely<unknown> & { readonly isCommitted: boolean; readonly isRolledBack: boolean };

/**
 * The transaction that the running code is in, according to an EntityManager: its own, or that of the `em.transactional()` or
 * the request around the call.
 */
export function currentTransaction(em: EntityManager): OpenTransaction | undefined {
  // MikroORM looks the running EntityManager up by its context's name, and finds another database's if two share one.
  if (em.getContext(false).config !== em.config) {
    throw new InvalidOptionsError(
      'contextName',
      'of MikroORM is shared by two instances, so that the transaction of one would be taken for that of the other. ' +
        'Give each a contextName of its own.',
    );
  }
  return em.getTransactionContext<OpenTransaction>();
}

/**
 * Sends statements over MikroORM's own connections: its pool, its hooks, its transactions, its query log. Not through
 * `em.execute()`, which writes the values into the text of the statement instead of binding them.
 *
 * @param send called for each statement, so that a transaction opened meanwhile is joined
 * @param options for statements that have none of their own
 */
export function mikroOrmExecutor(
  em: EntityManager,
  send: (query: CompiledQuery) => Promise<{ rows: unknown[] }>,
  options?: StatementOptions,
): SqlExecutor {
  return {
    async query<Row extends object>(sql: string, parameters: readonly unknown[] = [], own = options) {
      const started = performance.now();
      const text = em.config.get('onQuery')(sql, parameters);
      try {
        const { rows } = await send(compile(text, parameters, own));
        log(em, text, parameters, started, rows.length);
        // Taken out of the result: something beneath keeps results reachable until the next full collection, and rows with them,
        // which showed as long pauses under load.
        return rows.splice(0) as Row[];
      } catch (error) {
        log(em, text, parameters, started);
        throw error;
      }
    },
  };
}

/** Hands a query that submits itself to the driver, and logs what becomes of it. */
export async function submitByMikroOrm(
  em: EntityManager,
  wire: KyselyConnection,
  query: SubmittedQuery<unknown>,
): Promise<void> {
  const started = performance.now();
  const { text, values, done } = query;
  done.then(
    () => log(em, text, values, started, undefined, 'info'),
    () => log(em, text, values, started),
  );
  await wire.executeQuery({ ...compile(text, []), sql: query } as unknown as CompiledQuery);
}

/** As Kysely's own `CompiledQuery.raw()`. Its PostgreSQL driver hands `sql` to `pg`, which takes a query object as well as a text. */
export function compile(sql: string, parameters: readonly unknown[], options?: StatementOptions): CompiledQuery {
  return {
    sql: pgQuery(sql, options),
    parameters: [...parameters],
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: 'prismiq' },
  } as unknown as CompiledQuery;
}

function log(
  em: EntityManager,
  query: string,
  params: readonly unknown[],
  started: number,
  results?: number,
  level: 'info' | 'error' = results === undefined ? 'error' : 'info',
): void {
  const logger = em.config.getLogger();
  if (logger.isEnabled('query')) {
    logger.logQuery({ level, query, params, took: Math.round(performance.now() - started), results });
  }
}
