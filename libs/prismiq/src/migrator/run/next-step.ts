import { MigrationTargetError } from '../../errors/migration.errors.js';
import type { SourceMigration } from '../../migrations/migration-set.js';
import type { RunContext } from './run-context.js';
import type { TenantMigrationState } from '../inspect/tenant-standing.js';

/** Part of the work on a tenant that is done in one transaction. */
export interface Step {
  readonly unrecorded: readonly SourceMigration[];
  readonly migrations: readonly SourceMigration[];
  readonly isTransactional: boolean;
  readonly isLast: boolean;
}

/** What is to be done next in a tenant; nothing: it is where it should be. */
export function nextStep(
  standing: TenantMigrationState,
  { direction, migrationsFor }: Pick<RunContext, 'direction' | 'migrationsFor'>,
): Step | undefined {
  const migrations = migrationsFor(standing);
  const { unrecorded } = standing;
  if (migrations.length === 0) {
    return unrecorded.length === 0 || direction === 'down'
      ? undefined
      : { unrecorded, migrations, isTransactional: true, isLast: true };
  }
  const firstOther = migrations.findIndex(({ isTransactional }) => !isTransactional);
  const transactional = firstOther === -1 ? migrations : migrations.slice(0, firstOther);
  return transactional.length > 0
    ? {
        unrecorded,
        migrations: transactional,
        isTransactional: true,
        isLast: transactional.length === migrations.length,
      }
    : { unrecorded, migrations: migrations.slice(0, 1), isTransactional: false, isLast: migrations.length === 1 };
}

/** Of a source, nothing may be taken back below what is not known. */
export function assertNothingUnknown({ unknown }: TenantMigrationState, source: string): void {
  const newer = unknown.filter((label) => label.startsWith(`${source}:`));
  if (newer.length > 0) {
    throw new MigrationTargetError(
      `the history also has ${newer.join(', ')}, which is not known here and came later. ` +
        'Take it back with the version of the software that has it.',
    );
  }
}
