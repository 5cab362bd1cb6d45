import type { TenantVersion } from '../migrations/migration-target.js';

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
  /** The tables were repaired; no migration was pending. */
  | 'repaired'
  /** The tables existed without a history: they were verified, and the history was written. */
  | 'baselined'
  /** There was nothing to do, and the tables match their version. */
  | 'unchanged'
  /** The run ended between two of the tenant's transactions: `migrations` were committed, and `remaining` are left. */
  | 'interrupted'
  /** The tenant is at `to`: `migrations` were committed before it failed, and `remaining` are left. */
  | 'failed';

/** The result of one tenant. @publicApi */
export interface TenantResult extends TenantRef {
  readonly ring: string | undefined;
  readonly state: TenantResultState;
  readonly from: TenantVersion;
  readonly to: TenantVersion;
  /** The migrations that ran, or were taken back, as `source:name`, in their order. */
  readonly migrations: readonly string[];
  /** The statements that repaired its tables. */
  readonly repairs: readonly string[];
  /** The migrations that were to run, or to be taken back, and are left, in their order. */
  readonly remaining: readonly string[];
  readonly durationMs: number;
  readonly attempts: number;
  /** Of a tenant that failed: the `code` of the error, such as `SCHEMA_MISMATCH`. */
  readonly code?: string | undefined;
  /** Of a tenant that failed: what PostgreSQL reported, if it was PostgreSQL. */
  readonly sqlState?: string | undefined;
  /** Of a tenant that failed or was interrupted: what happened, and what to do next. */
  readonly message?: string | undefined;
}

/** How many tenants ended in which state; `skipped`: the run ended before they were started. @publicApi */
export type ResultCounts = Readonly<Record<TenantResultState | 'skipped', number>>;

/** @publicApi */
export interface RingReport {
  /** Undefined for the tenants of no ring that the `rings` option names. */
  readonly ring: string | undefined;
  readonly total: number;
  readonly counts: ResultCounts;
}

/** Why a run ended early. @publicApi */
export interface StopReason {
  readonly reason: 'failure' | 'aborted' | 'check';
  readonly message: string;
}

/**
 * What a run did. It is as small for many tenants as for few: those that went well are counted, and each has an event.
 *
 * @publicApi
 */
export interface MigrationReport {
  readonly direction: 'up' | 'down';
  readonly total: number;
  readonly counts: ResultCounts;
  readonly failures: readonly TenantResult[];
  readonly durationMs: number;
  /** Undefined if no tenant was left out. */
  readonly stopped: StopReason | undefined;
}

/** Why the work on a tenant waits. @publicApi */
export type WaitingReason =
  /** Another process works on the tenant. */
  | 'another-process'
  /** A process that has ended left a statement behind, which the server still runs, such as an index build. Its result is used. */
  | 'running-statement'
  /** An index build waits for transactions that began before it, such as that of a dump. */
  | 'transactions';

/** @publicApi */
export type MigrationEvent =
  | { readonly type: 'run-started'; readonly direction: 'up' | 'down'; readonly total: number }
  | { readonly type: 'ring-started'; readonly ring: string | undefined; readonly total: number }
  | ({
      readonly type: 'tenant-started';
      /** The migrations to run, or to take back, as `source:name`. */
      readonly pending: readonly string[];
    } & TenantRef)
  | ({ readonly type: 'tenant-waiting'; readonly reason: WaitingReason; readonly message: string } & TenantRef)
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
