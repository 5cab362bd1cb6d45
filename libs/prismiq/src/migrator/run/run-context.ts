import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import type { TenantInspector } from '../inspect/tenant-inspector.js';
import type { TenantMigrationState } from '../inspect/tenant-migration-state.js';
import type { FleetDatabase } from '../migrator-database.js';
import type { MigrationEvent } from '../run-report.js';
import type { TransactionSettings } from './tenant-transaction.js';

/** The purpose of a run, and what it works with. */
export interface RunContext {
  readonly database: FleetDatabase;
  readonly set: MigrationSet;
  readonly inspector: TenantInspector;
  readonly settings: TransactionSettings;
  readonly direction: 'up' | 'down';
  /** The migrations to run, or to take back, in a tenant with this state. */
  readonly migrationsFor: (state: TenantMigrationState) => readonly SourceMigration[];
  readonly createSchema: boolean;
  readonly repair: boolean;
  readonly allowDataLoss: boolean;
  readonly retries: number;
  /** How long to wait for another process that works on a tenant. */
  readonly waitForOthersMs: number;
  readonly isCitus: boolean;
  readonly signal: AbortSignal;
  readonly emit: (event: MigrationEvent) => void;
  /** Migrations that were found to send statements themselves. */
  readonly sendsItself: Set<SourceMigration>;
  /** Runs concurrent index builds one at a time: each waits for the snapshots of the others, and needs two more connections. */
  readonly oneAtATime: <T>(work: () => Promise<T>) => Promise<T>;
}
