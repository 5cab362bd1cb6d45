import type { MikroORM } from '@mikro-orm/postgresql';
import type { TenantDirectory, TenantDirectoryFactory } from '../directory/tenant-directory.js';
import type { TenantRegistry } from '../directory/tenant-registry.js';
import type { SchemaDifference } from '../errors/schema.errors.js';
import type { PgPool } from '../sql/pg-executor.js';
import type { SchemaFor } from '../directory/schema-for.js';
import type { MigrationSource } from '../migrations/migration-source.js';
import type { DownTarget, TenantVersion, UpTarget } from '../migrations/migration-target.js';

export type { DownTarget, MigrationTarget, TenantVersion, UpTarget } from '../migrations/migration-target.js';

/** @publicApi */
export interface TenantMigratorOptions {
  /** Where the tenants are. Must be able to lend as many connections as tenants are worked on at once. */
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
   * What is run in each tenant, in this order, in one transaction.
   * @default [prismiqMigrations()]
   */
  migrations?: readonly MigrationSource[] | undefined;

  /**
   * The rings in the order of their turn, such as `['canary', 'early']`. Tenants of any other ring, or of none, come last.
   * @default []
   */
  rings?: readonly string[] | undefined;

  /**
   * Shared schemas in which a migration finds what the tenant's schema does not have, such as that of an extension.
   * @default []
   */
  searchPath?: readonly string[] | undefined;

  /**
   * How long a statement waits for a lock before it gives way; what queues behind it waits no longer either.
   * @default 3000
   */
  lockTimeoutMs?: number | undefined;

  /**
   * How long a statement may run; 0: without limit.
   * @default 300000
   */
  statementTimeoutMs?: number | undefined;

  /**
   * How often a tenant is tried again after a lock time-out, a deadlock, a serialization failure or a lost connection.
   * @default 3
   */
  retries?: number | undefined;

  /**
   * On Citus, whether a schema that is created is distributed; it sets `citus.enable_schema_based_sharding` then, for that
   * transaction alone.
   * @default undefined: what the server is set to
   */
  citusSchemaBasedSharding?: boolean | undefined;
}

/**
 * Which tenants. Each condition that is given must hold; without any, all tenants are meant.
 *
 * @publicApi
 */
export interface TenantSelection {
  /** Ids, or patterns with `*` and `?`. */
  tenants?: readonly string[] | undefined;
  rings?: readonly string[] | undefined;
  /** A tenant is meant if it has one of them. */
  tags?: readonly string[] | undefined;
}

/** How a run works through the tenants. @publicApi */
export interface RunOptions extends TenantSelection {
  /**
   * How many tenants are worked on at once, each on a connection of its own.
   * @default 4
   */
  concurrency?: number | undefined;

  /**
   * Whether the first tenant that fails ends the run; those in work are finished. A ring in which one has failed is the last one
   * in either case.
   * @default 'stop'
   */
  onError?: 'stop' | 'continue' | undefined;

  /**
   * With `onError: 'continue'`: how many tenants may fail before the run ends all the same.
   * @default Infinity
   */
  maxFailures?: number | undefined;

  /** Ends the run when aborted: tenants in work are finished, the others are skipped, and the report says so. */
  signal?: AbortSignal | undefined;

  /** Is told of the progress. What it throws ends the run. */
  onEvent?: ((event: MigrationEvent) => void) | undefined;

  /**
   * Called between two rings: a pause or a check. The run goes on when it is through, and ends if it throws or returns `false`.
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
  (({ direction?: 'up' | undefined } & UpTarget) | ({ direction: 'down' } & DownTarget));

/** @publicApi */
export interface TenantRef {
  readonly tenantId: string;
  readonly schema: string;
}

/** @publicApi */
export type TenantResultState =
  /** Migrations have run. */
  | 'migrated'
  /** Migrations have been taken back. */
  | 'reverted'
  /** The tables were there, without a history: they were verified, and the history was written. */
  | 'baselined'
  /** There was nothing to do, and the tables are as they should be. */
  | 'unchanged'
  /** The tenant is where it was before. */
  | 'failed';

/** What became of one tenant. @publicApi */
export interface TenantResult extends TenantRef {
  readonly ring: string | undefined;
  readonly state: TenantResultState;
  readonly from: TenantVersion;
  readonly to: TenantVersion;
  /** The migrations that ran, or were taken back, as `source:name`, in the order of their turn. */
  readonly migrations: readonly string[];
  readonly durationMs: number;
  readonly attempts: number;
  /** Of a tenant that failed: the `code` of the error, such as `SCHEMA_MISMATCH`. */
  readonly code?: string | undefined;
  /** Of a tenant that failed: what PostgreSQL reported, if it was PostgreSQL. */
  readonly sqlState?: string | undefined;
  /** Of a tenant that failed: what happened, and what to do next. */
  readonly message?: string | undefined;
}

/** How many tenants ended in which state; `skipped`: their turn did not come. @publicApi */
export type ResultCounts = Readonly<Record<TenantResultState | 'skipped', number>>;

/** @publicApi */
export interface RingReport {
  /** `undefined`: the tenants of no ring that is named in the `rings` option. */
  readonly ring: string | undefined;
  readonly total: number;
  readonly counts: ResultCounts;
}

/** Why a run ended before all tenants had their turn. @publicApi */
export interface StopReason {
  readonly reason: 'failure' | 'aborted' | 'check';
  readonly message: string;
}

/**
 * What became of a run. As small for many tenants as for few: those that went well are counted, and each is told of by an event.
 *
 * @publicApi
 */
export interface MigrationReport {
  readonly direction: 'up' | 'down';
  readonly total: number;
  readonly counts: ResultCounts;
  readonly failures: readonly TenantResult[];
  readonly durationMs: number;
  /** `undefined`: all tenants had their turn. */
  readonly stopped: StopReason | undefined;
}

/** @publicApi */
export type MigrationEvent =
  | { readonly type: 'run-started'; readonly direction: 'up' | 'down'; readonly total: number }
  | { readonly type: 'ring-started'; readonly ring: string | undefined; readonly total: number }
  | ({ readonly type: 'tenant-started'; readonly pending: readonly string[] } & TenantRef)
  | ({
      readonly type: 'tenant-retry';
      /** The attempt that failed, from 1. */
      readonly attempt: number;
      readonly waitMs: number;
      readonly sqlState: string | undefined;
      readonly message: string;
    } & TenantRef)
  | { readonly type: 'tenant-finished'; readonly result: TenantResult }
  | ({ readonly type: 'ring-finished' } & RingReport)
  | { readonly type: 'run-finished'; readonly report: MigrationReport };

/** A tenant that is not as it should be. @publicApi */
export interface TenantFinding extends TenantRef {
  readonly version: TenantVersion;
  readonly differences: readonly SchemaDifference[];
  /** What is wrong, and what to do next. */
  readonly message: string;
}

/** Tenants at the same version, whose tables are what that version has. @publicApi */
export interface VersionGroup {
  readonly version: TenantVersion;
  /** The migrations that are to come, as `source:name`. */
  readonly pending: readonly string[];
  /** Migrations whose result is there, but that no history records, as `source:name`: `up` will record them. */
  readonly unrecorded: readonly string[];
  /** Recorded migrations that this version of the software does not know, as `source:name`: a newer one was here. */
  readonly unknown: readonly string[];
  readonly tenants: readonly string[];
}

/** Where all tenants stand. Each is in exactly one place. @publicApi */
export interface FleetStatus {
  readonly total: number;
  readonly newest: TenantVersion;
  /** Whether each tenant has all migrations, and the tables that belong to them. */
  readonly upToDate: boolean;
  /** The most advanced first. A schema without any table of ours is at the version without migrations. */
  readonly groups: readonly VersionGroup[];
  /** Tenants without a schema. */
  readonly missing: readonly TenantRef[];
  /** Tenants that lack some of their tables. */
  readonly halfProvisioned: readonly TenantFinding[];
  /** Tenants with tables of another shape than their version has, or an index that is not valid. */
  readonly drifted: readonly TenantFinding[];
  /** Tenants whose catalog or history could not be read. */
  readonly unreadable: readonly TenantFinding[];
  /** Schemas with tables of Prismiq that belong to no tenant of the directory. */
  readonly orphans: readonly string[];
}

/** @publicApi */
export interface PlannedStatement {
  readonly sql: string;
  /** Whether data may be lost, as by DROP TABLE. */
  readonly destructive: boolean;
}

/** @publicApi */
export interface PlannedMigration {
  readonly source: string;
  readonly name: string;
  /** `false`: outside of the tenant's transaction, as CREATE INDEX CONCURRENTLY must be. */
  readonly transactional: boolean;
  /** Those that the migration gives; names without a schema are the tenant's. */
  readonly statements: readonly PlannedStatement[];
  /** Whether the migration also sends statements by itself, so that what it does may differ from tenant to tenant. */
  readonly dynamic: boolean;
}

/** What would be done in tenants at the same version. @publicApi */
export interface PlanGroup {
  readonly from: TenantVersion;
  readonly to: TenantVersion;
  readonly tenants: readonly string[];
  /** Whether these tenants have no schema yet: `up` needs `createSchema` for them. */
  readonly schemaMissing: boolean;
  /** Migrations that are recorded without being run, since their result is there, as `source:name`. */
  readonly unrecorded: readonly string[];
  readonly migrations: readonly PlannedMigration[];
}

/** What a run would do. @publicApi */
export interface MigrationPlan {
  readonly direction: 'up' | 'down';
  readonly total: number;
  /** How many tenants there is something to do for. */
  readonly affected: number;
  readonly groups: readonly PlanGroup[];
  /** Tenants that a run would refuse. */
  readonly blocked: readonly TenantFinding[];
}

/** @publicApi */
export interface VerifyReport {
  readonly total: number;
  /** Tenants whose tables are not what their version has, or that have no schema. */
  readonly findings: readonly TenantFinding[];
}
