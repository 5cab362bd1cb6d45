import type { MigrationSet } from '../../migrations/migration-set.js';
import { PRISMIQ_SOURCE } from '../../migrations/migration-source.js';
import { planRepair, type RepairPlan } from '../../schema/plan-repair.js';
import { planSchemaRepair } from '../../schema/schema-mismatch.js';
import { SCHEMA_VERSIONS } from '../../schema/schema-versions.js';
import type { TenantMigrationState } from './tenant-migration-state.js';

/** Plans how a tenant's tables become those of its version; without one, those of the first. */
export const planTenantRepair = (state: TenantMigrationState, set: MigrationSet): RepairPlan =>
  planSchemaRepair(state.differences, state.tenant.schema, versionToRepair(state, set));

/** The same, for display: names have no schema. */
export const showTenantRepair = (state: TenantMigrationState, set: MigrationSet): RepairPlan =>
  planRepair(state.differences, (name) => name, versionToRepair(state, set));

const versionToRepair = ({ present }: TenantMigrationState, set: MigrationSet): string =>
  (set.of(PRISMIQ_SOURCE).findLast(({ label }) => present.has(label)) ?? SCHEMA_VERSIONS[0]!).name;
