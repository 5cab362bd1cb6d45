import type { FleetDatabase } from '../migrator-database.js';
import { quoteIdentifier } from '../../sql/identifier.js';
import type { SourceMigration } from '../../migrations/migration-set.js';
import { NeedsTransaction, statementsOf, type MigrationScope } from '../../migrations/migration-statements.js';
import type { MigrationPlan, PlanGroup, PlannedMigration, TenantFinding } from '../migrator.types.js';
import { readStatements } from '../../sql/statements/statement.js';
import { troubleOf, type Sight } from './tenant-trouble.js';
import type { RunContext } from '../run/run-context.js';

type PlanContext = Pick<RunContext, 'database' | 'set' | 'direction' | 'migrationsFor'> & {
  readonly searchPath: readonly string[];
};

/** What a run would do. Migrations are asked for their statements once for each group of tenants, and write nothing. */
export async function migrationPlan(sights: AsyncIterable<Sight>, context: PlanContext): Promise<MigrationPlan> {
  const { direction, set, migrationsFor } = context;
  const groups = new Map<string, PlanGroup & { tenants: string[] }>();
  const blocked: TenantFinding[] = [];
  let total = 0;
  let affected = 0;
  for await (const sight of sights) {
    total += 1;
    const trouble = troubleOf(sight, set);
    if ('error' in sight || (trouble !== undefined && isBlocked(sight))) {
      blocked.push(trouble!.finding);
      continue;
    }
    const { standing, snapshot, unit } = sight;
    const migrations = migrationsFor(standing);
    const unrecorded = direction === 'up' ? standing.unrecorded.map(({ label }) => label) : [];
    if (migrations.length === 0 && unrecorded.length === 0) {
      continue;
    }
    affected += 1;
    const schemaMissing = !snapshot.schemaExists;
    const key = JSON.stringify([standing.version, schemaMissing, unrecorded, migrations.map(({ label }) => label)]);
    const group = groups.get(key) ?? {
      from: standing.version,
      to: versionAfter(standing.present, migrations, context),
      tenants: [],
      schemaMissing,
      unrecorded,
      migrations: await planned(migrations, unit.schema, context),
    };
    groups.set(key, group);
    group.tenants.push(unit.tenantId);
  }
  return { direction, total, affected, groups: [...groups.values()], blocked };
}

/** Tables that are missing are made by the first migration; of those that have another shape it would be a surprise. */
const isBlocked = (sight: Exclude<Sight, { error: unknown }>): boolean =>
  sight.standing.differences.length > 0 &&
  !(
    Object.values(sight.standing.version).every((name) => name === null) &&
    sight.standing.differences.every(({ actual }) => actual === undefined)
  );

function versionAfter(
  present: ReadonlySet<string>,
  migrations: readonly SourceMigration[],
  { set, direction }: PlanContext,
): PlanGroup['to'] {
  const after = new Set(present);
  migrations.forEach(({ label }) => (direction === 'up' ? after.add(label) : after.delete(label)));
  return set.versionOf(after);
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
      statements: statements.map((sql) => ({
        sql,
        destructive: readStatements(sql).some(({ dataLoss }) => dataLoss !== undefined),
      })),
      dynamic,
    });
  }
  return plans;
}

/** A migration that sends statements by itself is run in a transaction that can only read: what it reads decides what it shows. */
async function shown(
  migration: SourceMigration,
  scope: MigrationScope,
  database: FleetDatabase,
  searchPath: readonly string[],
): Promise<{ statements: string[]; dynamic: boolean }> {
  try {
    return { statements: await statementsOf(migration, scope), dynamic: false };
  } catch (error) {
    if (!(error instanceof NeedsTransaction)) {
      throw error;
    }
  }
  const statements = await database
    .transaction(async (transaction) => {
      await transaction.query('SET TRANSACTION READ ONLY');
      await transaction.query(
        `SET LOCAL search_path = ${[scope.schema, ...searchPath].map(quoteIdentifier).join(', ')}`,
      );
      return statementsOf(migration, scope, { transaction: transaction.context! });
    })
    // It writes, or reads what the migrations before it would have made.
    .catch(() => []);
  return { statements, dynamic: true };
}
