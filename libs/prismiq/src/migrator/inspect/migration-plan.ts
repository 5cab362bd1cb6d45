import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import { NeedsTransaction, type MigrationScope } from '../../migrations/driver-access.js';
import { collectStatements } from '../../migrations/migration-statements.js';
import { settingStatements } from '../../sql/session.js';
import { readStatements } from '../../sql/statements/statement.js';
import type { MigrationPlan, PlanGroup, PlannedMigration, PlannedStatement, TenantFinding } from '../fleet-report.js';
import type { FleetDatabase } from '../migrator-database.js';
import { toFinding } from './fleet-status.js';
import { showTenantRepair } from './plan-tenant-repair.js';
import { isReadable, type TenantMigrationState } from './tenant-migration-state.js';

interface PlanContext {
  readonly database: FleetDatabase;
  readonly set: MigrationSet;
  readonly direction: 'up' | 'down';
  /** The migrations to run, or to take back, in a tenant. */
  readonly migrationsFor: (state: TenantMigrationState) => readonly SourceMigration[];
  readonly searchPath: readonly string[];
  readonly repair: boolean;
}

/** What a run would do. Migrations are asked for their statements once for each group of tenants, and write nothing. */
export async function migrationPlan(
  states: AsyncIterable<TenantMigrationState>,
  context: PlanContext,
): Promise<MigrationPlan> {
  const { direction, migrationsFor, set } = context;
  const groups = new Map<string, PlanGroup & { tenants: string[] }>();
  const blocked: TenantFinding[] = [];
  let total = 0;
  let affected = 0;
  for await (const state of states) {
    total += 1;
    const { statements: repairs, unrepairable } = context.repair ? showTenantRepair(state, set) : NO_REPAIR;
    if (context.repair ? !isReadable(state) || unrepairable.length > 0 : isBlocked(state)) {
      blocked.push(toFinding(state)!);
      continue;
    }
    const { tenant, version, present } = state;
    const migrations = migrationsFor(state);
    const unrecorded = direction === 'up' ? state.unrecorded.map(({ label }) => label) : [];
    if (migrations.length + unrecorded.length + repairs.length === 0) {
      continue;
    }
    affected += 1;
    const schemaMissing = !state.schemaExists;
    const key = JSON.stringify([version, schemaMissing, unrecorded, repairs, migrations.map(({ label }) => label)]);
    const group = groups.get(key) ?? {
      from: version,
      to: versionAfter(present, migrations, context),
      tenants: [],
      schemaMissing,
      unrecorded,
      repairs,
      migrations: await planned(migrations, tenant.schema, context),
    };
    groups.set(key, group);
    group.tenants.push(tenant.tenantId);
  }
  return { direction, total, affected, groups: [...groups.values()], blocked };
}

const NO_REPAIR = { statements: [], unrepairable: [] };

/** Missing tables are created by the first migration. Tables that differ fail the run. */
const isBlocked = (state: TenantMigrationState): boolean =>
  !isReadable(state) ||
  (state.differences.length > 0 &&
    !(
      Object.values(state.version).every((name) => name === null) &&
      state.differences.every(({ actual }) => actual === undefined)
    ));

function versionAfter(
  present: ReadonlySet<string>,
  migrations: readonly SourceMigration[],
  { set, direction }: PlanContext,
): PlanGroup['to'] {
  const after = new Set(present);
  migrations.forEach(({ label }) => (direction === 'up' ? after.add(label) : after.delete(label)));
  return set.toVersion(after);
}

async function planned(
  migrations: readonly SourceMigration[],
  schema: string,
  { database, direction, searchPath }: PlanContext,
): Promise<PlannedMigration[]> {
  const scope: MigrationScope = { orm: database.orm, schema, direction, allowDataLoss: true, namesSchema: false };
  const plans: PlannedMigration[] = [];
  for (const migration of migrations) {
    const { source, name } = migration;
    const { statements, dynamic } = await shown(migration, scope, database, searchPath);
    plans.push({
      source,
      name,
      transactional: migration.isTransactional,
      statements: statements.map(toPlanned),
      dynamic,
    });
  }
  return plans;
}

function toPlanned(sql: string): PlannedStatement {
  const [statement] = readStatements(sql);
  const { dataLoss, kind } = statement!;
  return {
    sql,
    destructive: dataLoss !== undefined,
    ...(dataLoss === undefined ? {} : { dataLoss }),
    ...(kind === undefined ? { unchecked: true } : {}),
  };
}

/** A migration that sends statements itself runs in a read-only transaction: what it shows may depend on what it reads. */
async function shown(
  migration: SourceMigration,
  scope: MigrationScope,
  database: FleetDatabase,
  searchPath: readonly string[],
): Promise<{ statements: string[]; dynamic: boolean }> {
  try {
    return { statements: await collectStatements(migration, scope), dynamic: false };
  } catch (error) {
    if (!(error instanceof NeedsTransaction)) {
      throw error;
    }
  }
  const statements = await database
    .transaction(async (transaction) => {
      await transaction.query('SET TRANSACTION READ ONLY');
      for (const setting of settingStatements({ searchPath: [scope.schema, ...searchPath] })) {
        await transaction.query(setting);
      }
      return collectStatements(migration, scope, { transaction: transaction.context! });
    }, true)
    // It writes, or reads what earlier migrations would have made.
    .catch(() => []);
  return { statements, dynamic: true };
}
