import type { EntityManager, Kysely } from '@mikro-orm/postgresql';
import type { SqlExecutor } from './sql-executor.js';

/** A Kysely instance, a Kysely transaction, or a savepoint of one: MikroORM keeps its transactions as such. */
type KyselyLike = Pick<Kysely<unknown>, 'executeQuery'>;
type CompiledQuery = Parameters<KyselyLike['executeQuery']>[0];

/**
 * Sends statements over MikroORM's own connection: its pool, its hooks, its transactions, its query log. Not through
 * `em.execute()`, which writes the values into the text of the statement instead of binding them.
 *
 * @param kysely looked up for each statement, so that a transaction opened meanwhile is joined
 */
export function mikroOrmExecutor(em: EntityManager, kysely: () => KyselyLike): SqlExecutor {
  return {
    async query<Row extends object>(sql: string, parameters: readonly unknown[] = []) {
      const started = performance.now();
      const text = em.config.get('onQuery')(sql, parameters);
      try {
        const { rows } = await kysely().executeQuery<Row>(compile(text, parameters) as never);
        log(em, text, parameters, started, rows.length);
        return rows;
      } catch (error) {
        log(em, text, parameters, started);
        throw error;
      }
    },
  };
}

function compile(sql: string, parameters: readonly unknown[]): CompiledQuery {
  return {
    sql,
    parameters: [...parameters],
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: 'prismiq' },
  } as unknown as CompiledQuery;
}

function log(em: EntityManager, query: string, params: readonly unknown[], started: number, results?: number): void {
  const logger = em.config.getLogger();
  if (logger.isEnabled('query')) {
    const level = results === undefined ? 'error' : 'info';
    logger.logQuery({ level, query, params, took: Math.round(performance.now() - started), results });
  }
}
