import type { SchemaDifference } from '../../errors/schema.errors.js';
import { SCHEMA_VERSIONS } from '../../schema/schema-versions.js';
import { NO_TABLES, type CatalogComparison } from './catalog-comparer.js';
import { PRISMIQ_SOURCE } from '../../migrations/migration-source.js';
import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import type { TenantVersion } from '../migrator.types.js';
import type { TenantSnapshot } from './tenant-snapshot.js';

/** Where a tenant stands. */
export interface TenantMigrationState {
  /** Migrations that the tenant has, recorded or not, as `source:name`. */
  readonly present: ReadonlySet<string>;
  readonly version: TenantVersion;
  /** Migrations whose result is there, but that no history records. */
  readonly unrecorded: readonly SourceMigration[];
  readonly pending: readonly SourceMigration[];
  /** Recorded ones that are not known here. */
  readonly unknown: readonly string[];
  /** Where Prismiq's tables differ from what the tenant's version has. */
  readonly differences: readonly SchemaDifference[];
}

/** Compares what a schema holds with the migrations that there are. */
export function standingOf(snapshot: TenantSnapshot, set: MigrationSet): TenantMigrationState {
  const unrecorded = unrecordedIn(snapshot, set);
  const present = new Set([...snapshot.recorded, ...unrecorded.map(({ label }) => label)]);
  return {
    present,
    version: set.versionOf(present),
    unrecorded,
    pending: set.all.filter(({ label }) => !present.has(label)),
    unknown: [...snapshot.recorded].filter((label) => !set.isKnown(label)),
    differences: differencesAt(present, snapshot.tables, set),
  };
}

/** Tables without a history, made by Prismiq's Python version, by hand, or by a migration of the host's own. */
function unrecordedIn({ recorded, tables }: TenantSnapshot, set: MigrationSet): SourceMigration[] {
  const list = set.of(PRISMIQ_SOURCE);
  if (tables === undefined || list.some(({ label }) => recorded.has(label))) {
    return [];
  }
  return list.slice(0, list.findLastIndex(({ name }) => tables.get(name)?.length === 0) + 1);
}

/**
 * How Prismiq's tables differ from those of the version that is present. Without a version, tables of ours are half of one; that
 * does no harm, as the first migration makes those that are missing, unless they are of another shape.
 */
export function differencesAt(
  present: ReadonlySet<string>,
  tables: CatalogComparison | undefined,
  set: MigrationSet,
): readonly SchemaDifference[] {
  const list = set.of(PRISMIQ_SOURCE);
  const version = list.findLast(({ label }) => present.has(label));
  if (version === undefined) {
    return (list.length > 0 && tables?.get(SCHEMA_VERSIONS[0]!.name)) || [];
  }
  return (tables ?? NO_TABLES).get(version.name) ?? [];
}
