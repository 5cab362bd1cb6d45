import type { EntityManager, Kysely } from '@mikro-orm/postgresql';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import type { SqlExecutor } from './sql-executor.js';

/** A Kysely instance, a transaction or savepoint of one, or a connection: MikroORM works with all of them. */
interface KyselyLike {
  executeQuery(query: CompiledQuery): Promise<{ rows: unknown[] }>;
}
type CompiledQuery = Exclude<Parameters<Kysely<unknown>['executeQuery']>[0], { compile(): unknown }>;

/** A transaction of MikroORM. */
type OpenTransaction = Kysely<unknown> & { readonly isCommitted: boolean; readonly isRolledBack: boolean };

/**
 * The transaction that the running code is in, according to an EntityManager: its own, or that of the `em.transactional()` or
 * the request in which the call stands.
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
        const { rows } = await kysely().executeQuery(compile(text, parameters));
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

/** What Kysely's own `CompiledQuery.raw()` makes; Kysely is MikroORM's dependency, and not ours to import. */
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
