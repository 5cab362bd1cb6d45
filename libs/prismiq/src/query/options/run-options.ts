import type { MikroORM } from '@mikro-orm/postgresql';
import type { PgPool } from '../../sql/pg-executor.js';
import type { QueryCacheStore } from './query-cache-store.js';
import type { QueryViewer } from './row-filter.js';

/**
 * The database in which queries run: a `pg` Pool, a MikroORM instance, or a URL for a pool of Prismiq's own. You close a pool or an
 * instance of yours.
 *
 * @publicApi
 */
export type PrismiqQueryDatabase = PgPool | MikroORM | string;

/** @publicApi */
export interface PrismiqQueryLimits {
  /**
   * Milliseconds after which a statement is canceled, and its query fails with `QueryTimeoutError`.
   * @default 30000
   */
  timeoutMs?: number | undefined;
  /**
   * Bytes of a result, as the server sends it. Beyond them a query fails with `QueryResultTooLargeError`, and the rest is not read.
   * @default 16777216 (16 MiB)
   */
  resultBytes?: number | undefined;
  /**
   * How many statements run at a time, of all tenants. The rest of the pool is left to the application.
   * @default half of the pool, at least 1; all of it if `database` is a URL
   */
  concurrency?: number | undefined;
  /**
   * How many statements of one tenant run at a time. Further ones wait for their turn.
   * @default half of `concurrency`, at least 1
   */
  perTenant?: number | undefined;
  /**
   * Milliseconds after which a query gives up waiting for its turn with `TenantBusyError`, or for a connection with
   * `ConnectionsBusyError`.
   * @default 15000
   */
  waitTimeoutMs?: number | undefined;
  /**
   * Milliseconds for which a statement waits for a table that another transaction has locked.
   * @default 1000
   */
  lockTimeoutMs?: number | undefined;
}

/**
 * Keeps results for a short time. Tenants, and viewers who may see different rows, never share one.
 *
 * @publicApi
 */
export interface PrismiqQueryCacheOptions {
  /** A `Keyv` instance, or anything with its `get`, `set` and `delete`. Several processes can share it. */
  store: QueryCacheStore;
  /**
   * Milliseconds for which a result is kept.
   * @default 60000
   */
  ttlMs?: number | undefined;
  /**
   * Bytes of the largest result that is kept.
   * @default 1048576 (1 MiB)
   */
  entryBytes?: number | undefined;
  /**
   * Bytes of the results that one tenant has in the cache, as far as a process knows. What was used longest ago is removed.
   * @default 33554432 (32 MiB)
   */
  tenantBytes?: number | undefined;
}

/**
 * Lets viewers query the exposed tables in SQL. Every text is read by PostgreSQL's own grammar, and what is not known to be harmless is
 * refused.
 *
 * @publicApi
 */
export interface PrismiqSqlModeOptions {
  /** Who may run a text of their own. All others only run the texts of widgets that they may see. */
  mayRun: (viewer: QueryViewer) => boolean;
  /**
   * Whether SQL mode is on for the tenant of a viewer.
   * @default () => true
   */
  isEnabled?: ((viewer: QueryViewer) => boolean) | undefined;
  /**
   * Functions of your own that a text may call, as `schema.function`. They must only read, and only what every viewer may see.
   * @default []
   */
  functions?: readonly string[] | undefined;
}
