import type { SchemaDifference } from '../errors/schema.errors.js';
import type { TenantVersion } from '../migrations/migration-target.js';
import type { TenantRef } from './run-report.js';

/** A tenant with a problem. @publicApi */
export interface TenantFinding extends TenantRef {
  readonly version: TenantVersion;
  readonly differences: readonly SchemaDifference[];
  /** What is wrong, and what to do next. */
  readonly message: string;
}

/** Tenants at the same version, whose tables match that version. @publicApi */
export interface VersionGroup {
  readonly version: TenantVersion;
  /** The migrations that have not run yet, as `source:name`. */
  readonly pending: readonly string[];
  /** Migrations whose result exists, but that no history records, as `source:name`: `up` records them. */
  readonly unrecorded: readonly string[];
  /** Recorded migrations that the sources do not have, as `source:name`, all of them later than those that they have. */
  readonly unknown: readonly string[];
  readonly tenants: readonly string[];
}

/** The state of all tenants. Each is in exactly one place. @publicApi */
export interface FleetStatus {
  readonly total: number;
  readonly newest: TenantVersion;
  /** Whether each tenant has all migrations, and the tables that belong to them. */
  readonly upToDate: boolean;
  /** The most advanced first. A schema without Prismiq's tables is at the version without migrations. */
  readonly groups: readonly VersionGroup[];
  /** Tenants without a schema. */
  readonly missing: readonly TenantRef[];
  /** Tenants that lack some of their tables. */
  readonly halfProvisioned: readonly TenantFinding[];
  /** Tenants whose tables differ from their version, or that have an invalid index. */
  readonly drifted: readonly TenantFinding[];
  /** Tenants whose catalog or history could not be read. */
  readonly unreadable: readonly TenantFinding[];
  /** Schemas with Prismiq's tables that belong to no tenant of the directory. */
  readonly orphans: readonly string[];
}

/** @publicApi */
export interface PlannedStatement {
  readonly sql: string;
  /** Whether data may be lost, as by DROP TABLE. */
  readonly destructive: boolean;
  /** How, such as `it drops a column`. */
  readonly dataLoss?: string;
  /** Whether the grammar of PostgreSQL 18 does not know the text. It is sent alone, and no rule is checked. */
  readonly unchecked?: boolean;
}

/** @publicApi */
export interface PlannedMigration {
  readonly source: string;
  readonly name: string;
  /** `false`: it runs outside of the tenant's transaction, as CREATE INDEX CONCURRENTLY must. */
  readonly transactional: boolean;
  /** The statements that the migration returns; names without a schema are the tenant's. */
  readonly statements: readonly PlannedStatement[];
  /** Whether the migration also sends statements itself, so that it may do something else in each tenant. */
  readonly dynamic: boolean;
}

/** What would be done in tenants at the same version. @publicApi */
export interface PlanGroup {
  readonly from: TenantVersion;
  readonly to: TenantVersion;
  readonly tenants: readonly string[];
  /** Whether these tenants have no schema yet: `up` needs `createSchema` for them. */
  readonly schemaMissing: boolean;
  /** Migrations that are recorded without being run, since their result exists, as `source:name`. */
  readonly unrecorded: readonly string[];
  /** With `repair`: the statements that come first; names without a schema are the tenant's. */
  readonly repairs: readonly string[];
  readonly migrations: readonly PlannedMigration[];
}

/** What a run would do. @publicApi */
export interface MigrationPlan {
  readonly direction: 'up' | 'down';
  readonly total: number;
  /** The number of tenants for which there is something to do. */
  readonly affected: number;
  readonly groups: readonly PlanGroup[];
  /** Tenants that a run would refuse. */
  readonly blocked: readonly TenantFinding[];
}

/** @publicApi */
export interface VerifyReport {
  readonly total: number;
  /** How many of the tenants without findings have pending or unrecorded migrations: their tables match an older version, or none. */
  readonly behind: number;
  /** Tenants whose tables do not match their version, or that have no schema. */
  readonly findings: readonly TenantFinding[];
}
