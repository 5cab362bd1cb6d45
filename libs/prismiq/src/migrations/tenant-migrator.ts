import type {
  DownOptions,
  FleetStatus,
  MigrationPlan,
  MigrationReport,
  PlanOptions,
  TenantMigratorOptions,
  TenantSelection,
  UpOptions,
  VerifyReport,
} from './migrator.types.js';

/** The signatures; the runner follows. */
export declare class TenantMigrator {
  constructor(options: TenantMigratorOptions);
  status(selection?: TenantSelection): Promise<FleetStatus>;
  plan(options?: PlanOptions): Promise<MigrationPlan>;
  up(options?: UpOptions): Promise<MigrationReport>;
  down(options: DownOptions): Promise<MigrationReport>;
  verify(selection?: TenantSelection): Promise<VerifyReport>;
}
