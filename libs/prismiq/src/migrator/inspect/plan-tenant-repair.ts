import type { MigrationSet } from '../../migrations/migration-set.js';
import { PRISMIQ_SOURCE } from '../../migrations/migration-source.js';
import { planRepair, type RepairPlan } from '../../schema/plan-repair.js';
import { planSchemaRepair, schemaMismatch } from '../../schema/schema-mismatch.js';
import { SCHEMA_VERSIONS } from '../../schema/schema-versions.js';
import type { TenantMigrationState } from './tenant-migration-state.js';

/**
 * The statements that turn a tenant's tables into those of its version; without one, those of the first.
 *
 * @throws SchemaMismatchError if some differences cannot be repaired
 */
export function repairStatements(state: TenantMigrationState, set: MigrationSet): readonly string[] {
  const { differences, tenant } = state;
  const { statements, unrepairable } = planSchemaRepair(differences, tenant.schema, versionToRepair(state, set));
  if (unrepairable.length > 0) {
    throw schemaMismatch(differences, tenant.schema);
  }
  return statements;
}

/** The same as a plan for display: names have no schema, and nothing is thrown. */
export const showTenantRepair = (state: TenantMigrationState, set: MigrationSet): RepairPlan =>
  planRepair(state.differences, (name) => name, versionToRepair(state, set));

const versionToRepair = ({ present }: TenantMigrationState, set: MigrationSet): string =>
  (set.of(PRISMIQ_SOURCE).findLast(({ label }) => present.has(label)) ?? SCHEMA_VERSIONS[0]!).name;
