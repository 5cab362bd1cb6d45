import { MigrationTargetError } from '../../errors/migration.errors.js';
import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import type { TenantMigrationState } from '../inspect/tenant-migration-state.js';

/** Part of the work on a tenant, done in one transaction. */
export interface Step {
  /** Statements that repair the tables; they run first. */
  readonly repairs: readonly string[];
  readonly unrecorded: readonly SourceMigration[];
  readonly migrations: readonly SourceMigration[];
  readonly isTransactional: boolean;
  readonly isLast: boolean;
}

/** The next part of the work on a tenant, undefined if there is nothing to do. */
export function nextStep(
  { unrecorded }: TenantMigrationState,
  migrations: readonly SourceMigration[],
  direction: 'up' | 'down',
  repairs: readonly string[],
): Step | undefined {
  if (migrations.length === 0) {
    return unrecorded.length + repairs.length === 0 || direction === 'down'
      ? undefined
      : { repairs, unrecorded, migrations, isTransactional: true, isLast: true };
  }
  const firstOther = migrations.findIndex(({ isTransactional }) => !isTransactional);
  if (firstOther === 0 && repairs.length > 0) {
    return { repairs, unrecorded, migrations: [], isTransactional: true, isLast: false };
  }
  const isTransactional = firstOther !== 0;
  const count = firstOther === -1 ? migrations.length : Math.max(firstOther, 1);
  return {
    repairs,
    unrecorded,
    migrations: migrations.slice(0, count),
    isTransactional,
    isLast: count === migrations.length,
  };
}

/** Whether the state has what a step does. */
export function isDone(
  { repairs, unrecorded, migrations }: Step,
  state: TenantMigrationState,
  direction: 'up' | 'down',
): boolean {
  if (repairs.length > 0 && state.differences.length > 0) {
    return false;
  }
  return direction === 'up'
    ? [...unrecorded, ...migrations].every(
        (migration) => state.present.has(migration.label) && !state.unrecorded.includes(migration),
      )
    : migrations.every(({ label }) => !state.present.has(label));
}

/** Migrations of a source are taken back from the newest on. @throws MigrationTargetError if a newer one is there */
export function assertNothingNewer(
  { present, unknown }: TenantMigrationState,
  { migrations: [first] }: Step,
  set: MigrationSet,
): void {
  const { source, label } = first!;
  const unknownHere = unknown.filter((one) => one.startsWith(`${source}:`));
  if (unknownHere.length > 0) {
    throw new MigrationTargetError(
      `the history also has ${unknownHere.join(', ')}, which is not known here and came later. ` +
        'Take it back with the version of the software that has it.',
    );
  }
  const newest = set.of(source).findLast((migration) => present.has(migration.label));
  if (newest !== undefined && newest.label !== label) {
    throw new MigrationTargetError(
      `another process has run ${newest.label} meanwhile, which comes after ${label}. Take it back first.`,
    );
  }
}
