import type { MikroORM } from '@mikro-orm/postgresql';
import type { SchemaFor } from '../directory/schema-for.js';
import type { TenantDirectory, TenantDirectoryFactory } from '../directory/tenant-directory.js';
import type { TenantRegistry } from '../directory/tenant-registry.js';
import type { MigrationSource } from '../migrations/migration-source.js';
import type { DownTarget, UpTarget } from '../migrations/migration-target.js';
import type { PgPool } from '../sql/pg-executor.js';
import type { MigrationEvent, RingReport } from './run-report.js';

/** @publicApi */
export interface TenantMigratorOptions {
  /** The database of the tenants. For `up` and `down` its pool needs `concurrency + 2` connections. */
  database: MikroORM | PgPool;

  /**
   * Which tenants there are; the module's {@link TenantRegistry} in Nest.
   * @default those whose schemas hold tables of Prismiq
   */
  directory?: TenantDirectory | TenantDirectoryFactory | TenantRegistry | undefined;

  /**
   * Derives the schema of a tenant for which the directory names none.
   * @default (tenantId) => `tenant_${tenantId}`
   */
  schemaFor?: SchemaFor | undefined;

  /**
   * The migrations of each tenant. They run in this order, in one transaction.
   * @default [prismiqMigrations()]
   */
  migrations?: readonly MigrationSource[] | undefined;

  /**
   * The rings in the order in which they are migrated, such as `['canary', 'early']`. Tenants of other rings, or of none, come last.
   * @default []
   */
  rings?: readonly string[] | undefined;

  /**
   * Shared schemas in which a migration finds what the tenant's schema does not have, such as that of an extension.
   * @default []
   */
  searchPath?: readonly string[] | undefined;

  /**
   * Milliseconds that a statement waits for a lock on a table before it fails. Other statements that queue behind it wait no longer.
   * @default 3000
   */
  lockTimeoutMs?: number | undefined;

  /**
   * Milliseconds that a statement may run; 0: no limit.
   * @default 300000
   */
  statementTimeoutMs?: number | undefined;

  /**
   * How often a tenant is tried again after a lock time-out, a deadlock, a serialization failure or a lost connection.
   * @default 3
   */
  retries?: number | undefined;

  /**
   * On Citus, whether a schema that is created is distributed. It sets `citus.enable_schema_based_sharding` in that transaction.
   * @default undefined: the setting of the server
   */
  citusSchemaBasedSharding?: boolean | undefined;
}

/**
 * Which tenants. All given conditions must hold; without any, all tenants are selected.
 *
 * @publicApi
 */
export interface TenantSelection {
  /** Ids, or patterns with `*` and `?`. */
  tenants?: readonly string[] | undefined;
  rings?: readonly string[] | undefined;
  /** A tenant is selected if it has one of them. */
  tags?: readonly string[] | undefined;

  /**
   * Whether the directory may have no tenants. Without it that is a `NoTenantsError`, because it is more often a wrong database.
   * @default false
   */
  allowEmpty?: boolean | undefined;
}

/** How a run works through the tenants. @publicApi */
export interface RunOptions extends TenantSelection {
  /**
   * How many tenants are worked on at the same time, each on a connection of its own.
   * @default 4
   */
  concurrency?: number | undefined;

  /**
   * Whether the run ends after the first tenant that fails; tenants in progress are finished. No ring is started after one in which a
   * tenant has failed, with either value.
   * @default 'stop'
   */
  onError?: 'stop' | 'continue' | undefined;

  /**
   * With `onError: 'continue'`: the number of failed tenants after which the run ends nevertheless.
   * @default Infinity
   */
  maxFailures?: number | undefined;

  /**
   * Milliseconds to wait for another process that works on a tenant, such as a second deployment or an `ensureTables`. The tenant fails
   * after that, with a `TenantLockedError`. Each migration that the other process commits restarts the time.
   * @default Infinity
   */
  waitForOthersMs?: number | undefined;

  /** Ends the run when aborted: tenants in progress are finished, the others are skipped. */
  signal?: AbortSignal | undefined;

  /** Receives the progress. An error that it throws ends the run. */
  onEvent?: ((event: MigrationEvent) => void) | undefined;

  /**
   * Called between two rings, as a pause or a check. The run continues when it resolves, and ends if it throws or returns `false`.
   */
  betweenRings?: ((finished: RingReport) => unknown) | undefined;
}

/** @publicApi */
export interface UpOptions extends RunOptions, UpTarget {
  /**
   * Whether to create the schema of a tenant that has none. Without it such a tenant fails.
   * @default false
   */
  createSchema?: boolean | undefined;

  /**
   * Whether tables that differ from the tenant's version are repaired first, in the same transaction, as far as that changes no
   * row; see `ensureTables`. Without it, and if they cannot be repaired, such a tenant fails.
   * @default false
   */
  repair?: boolean | undefined;
}

/** @publicApi */
export interface DownOptions extends RunOptions, DownTarget {
  /**
   * Whether statements may run that lose data, such as DROP TABLE.
   * @default false
   */
  allowDataLoss?: boolean | undefined;
}

/** @publicApi */
export type PlanOptions = TenantSelection &
  (({ direction?: 'up' | undefined } & UpTarget & Pick<UpOptions, 'repair'>) | ({ direction: 'down' } & DownTarget));
