import type { MikroORM } from '@mikro-orm/postgresql';
import { QueryCache } from '../cache/query-cache.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import { openQueryDatabase, resolveSlots } from '../run/query-database.js';
import { QueryRunner, type RunResult } from '../run/query-runner.js';
import { pooledExecutor } from '../../sql/borrow.js';
import { loadSqlGrammar } from '../../sql/statements/grammar.js';
import { VisibleSchemas } from '../visible-schema/visible-schemas.js';
import { QueryEngine } from './query-engine.js';
import type { QueryFeed } from './query-feed.js';

/** Makes what runs the queries of a registration. Does not connect yet. */
export async function createQueryEngine(config: QueryConfig, orm: MikroORM, feed: QueryFeed): Promise<QueryEngine> {
  const database = await openQueryDatabase(config.database, orm);
  if (config.sqlMode !== undefined) {
    await loadSqlGrammar();
  }
  const runner = new QueryRunner(database.lender, { ...config.limits, ...resolveSlots(config.limits, database) });
  const schemas = new VisibleSchemas(config, pooledExecutor(database.lender));
  const cache = config.cache && new QueryCache<RunResult>(config.cache.store, config.cache);
  return new QueryEngine(config, schemas, runner, cache, feed, () => database.close());
}
