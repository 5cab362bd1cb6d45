import type { CatalogComparer } from '../inspect/catalog-comparer.js';
import type { FleetDatabase } from '../migrator-database.js';
import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import type { MigrationEvent } from '../migrator.types.js';
import type { TenantMigrationState } from '../inspect/tenant-standing.js';
import type { TransactionSettings } from './tenant-transaction.js';

/** A schema to work on, and the tenant whose it is; of tenants that share a schema, the first. */
export interface TenantSchemaRef {
  readonly tenantId: string;
  readonly schema: string;
  readonly ring: string | undefined;
}

/** What a run is about, and what it works with. */
export interface RunContext {
  readonly database: FleetDatabase;
  readonly set: MigrationSet;
  readonly judge: CatalogComparer;
  readonly settings: TransactionSettings;
  readonly direction: 'up' | 'down';
  /** The migrations to run, or to take back, in a tenant that stands here. */
  readonly migrationsFor: (standing: TenantMigrationState) => readonly SourceMigration[];
  readonly createSchema: boolean;
  readonly allowDataLoss: boolean;
  readonly retries: number;
  readonly isCitus: boolean;
  readonly signal: AbortSignal;
  readonly emit: (event: MigrationEvent) => void;
  /** Called when a tenant's history is not what it was assumed to be. */
  readonly doubt: () => void;
  /** Migrations that were found to send statements by themselves. */
  readonly sendsItself: Set<SourceMigration>;
  /** One at a time: each would wait for the snapshots of the others, and needs a second connection. */
  readonly concurrently: <T>(work: () => Promise<T>) => Promise<T>;
}
