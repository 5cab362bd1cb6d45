import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { Lender } from '../../sql/borrow.js';
import { DEFAULT_POOL_SIZE, getPoolSize } from '../../sql/pool-size.js';
import type { PrismiqQueryDatabase } from '../options/run-options.js';
import type { SlotLimits } from './query-slots.js';

/** Where queries run. */
export interface QueryDatabase {
  readonly lender: Lender;
  /** How many statements may run at a time. */
  readonly concurrency: number;
  close(): Promise<void>;
}

/**
 * Opens the database of the `query.database` option, or takes that of the registration. Does not connect yet.
 *
 * @param orm of the registration
 */
export async function openQueryDatabase(
  database: PrismiqQueryDatabase | undefined,
  orm: MikroORM,
): Promise<QueryDatabase> {
  if (typeof database === 'string') {
    const own = await openPool(database);
    return { lender: { em: own.em }, concurrency: DEFAULT_POOL_SIZE, close: () => own.close() };
  }
  const shared = { close: () => Promise.resolve() };
  if (database !== undefined && 'totalCount' in database) {
    const { options } = database as { options?: { max?: number } };
    return { lender: { pool: database }, concurrency: half(options?.max ?? DEFAULT_POOL_SIZE), ...shared };
  }
  const { em } = database ?? orm;
  return { lender: { em }, concurrency: half(getPoolSize(database ?? orm)), ...shared };
}

/** By MikroORM, since `pg` is its dependency and not ours. `pg` understands all of the URL, such as `?sslmode=require`. */
const openPool = (url: string): Promise<MikroORM> =>
  MikroORM.init({
    driver: PostgreSqlDriver,
    clientUrl: url,
    driverOptions: { connectionString: url },
    entities: [],
    discovery: { warnWhenNoEntities: false },
    ensureDatabase: false,
    contextName: 'prismiq-query',
    pool: { max: DEFAULT_POOL_SIZE },
  });

/** The rest of the pool is the application's. */
const half = (size: number): number => Math.max(1, Math.floor(size / 2));

/** What tenants may use, by the options and what the pool has. */
export function resolveSlots(
  limits: { concurrency?: number | undefined; perTenant?: number | undefined; waitTimeoutMs: number },
  database: QueryDatabase,
): SlotLimits {
  const total = limits.concurrency ?? database.concurrency;
  return { total, perTenant: limits.perTenant ?? half(total), waitTimeoutMs: limits.waitTimeoutMs };
}
