import type { SchemaDifference } from '../../errors/schema.errors.js';
import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import { PRISMIQ_SOURCE } from '../../migrations/migration-source.js';
import type { TenantVersion } from '../../migrations/migration-target.js';
import { adviseOn } from '../../schema/schema-mismatch.js';
import { SCHEMA_VERSIONS } from '../../schema/schema-versions.js';
import type { TenantSchemaRef } from '../tenant-schema-ref.js';
import { toPrismiqError } from '../to-prismiq-error.js';
import { NO_TABLES, type CatalogComparison } from './catalog-comparer.js';
import type { Histories } from './read-histories.js';

/** A problem of a tenant. Pending migrations are none. */
export interface TenantProblem {
  readonly kind: 'missing' | 'halfProvisioned' | 'drifted' | 'unreadable';
  /** What is wrong, and what to do next. */
  readonly message: string;
}

/** The state of a tenant's schema, compared with the known migrations. */
export interface TenantMigrationState {
  readonly tenant: TenantSchemaRef;
  readonly schemaExists: boolean;
  /** A digest of the names in each history table, by source; a source without such a table is absent. */
  readonly digests: ReadonlyMap<string, string>;
  /** Migrations that the tenant has, recorded or not, as `source:name`. */
  readonly present: ReadonlySet<string>;
  readonly version: TenantVersion;
  /** Migrations whose result exists, but that no history records. */
  readonly unrecorded: readonly SourceMigration[];
  readonly pending: readonly SourceMigration[];
  /** Recorded migrations that the sources do not have, as `source:name`. */
  readonly unknown: readonly string[];
  /** Where Prismiq's tables differ from those of the tenant's version. */
  readonly differences: readonly SchemaDifference[];
  /** The most important first. */
  readonly problems: readonly TenantProblem[];
}

/** What was read of a schema. */
export interface SchemaReading {
  /** Undefined if the schema does not exist. */
  readonly histories: Histories | undefined;
  /** How Prismiq's tables differ from each version, undefined if there are none. */
  readonly tables: CatalogComparison | undefined;
  /** Problems that were found in other ways. */
  readonly problems: readonly TenantProblem[];
}

export function migrationState(
  tenant: TenantSchemaRef,
  { histories, tables, problems }: SchemaReading,
  set: MigrationSet,
): TenantMigrationState {
  const recorded = histories?.recorded ?? new Set<string>();
  const unrecorded = unrecordedMigrations(recorded, tables, set);
  const present = new Set([...recorded, ...unrecorded.map(({ label }) => label)]);
  const differences = differencesAt(present, tables, set);
  const unknown = [...recorded].filter((label) => !set.isKnown(label));
  return {
    tenant,
    schemaExists: histories !== undefined,
    digests: histories?.digests ?? new Map(),
    present,
    version: set.toVersion(present),
    unrecorded,
    pending: set.all.filter(({ label }) => !present.has(label)),
    unknown,
    differences,
    problems: [
      ...schemaProblems(tenant.schema, histories !== undefined, differences),
      ...lostMigrations(unknown, present, set),
      ...problems,
    ],
  };
}

/** The state of a tenant that cannot be read. */
export const unreadableState = (tenant: TenantSchemaRef, error: unknown): TenantMigrationState => ({
  tenant,
  schemaExists: false,
  digests: new Map(),
  present: new Set(),
  version: {},
  unrecorded: [],
  pending: [],
  unknown: [],
  differences: [],
  problems: [{ kind: 'unreadable', message: toPrismiqError(error, tenant.schema).message }],
});

export const isReadable = ({ problems }: TenantMigrationState): boolean =>
  problems.every(({ kind }) => kind !== 'unreadable');

/** Tables without a history: made by Prismiq's Python version, by hand, or by a migration that MikroORM generated. */
function unrecordedMigrations(
  recorded: ReadonlySet<string>,
  tables: CatalogComparison | undefined,
  set: MigrationSet,
): SourceMigration[] {
  const list = set.of(PRISMIQ_SOURCE);
  if (tables === undefined || list.some(({ label }) => recorded.has(label))) {
    return [];
  }
  return list.slice(0, list.findLastIndex(({ name }) => tables.get(name)?.length === 0) + 1);
}

/**
 * How Prismiq's tables differ from those of the version that is present. Without a version, some of the tables may be there: the first
 * migration creates the others, unless these differ.
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

function schemaProblems(
  schema: string,
  schemaExists: boolean,
  differences: readonly SchemaDifference[],
): TenantProblem[] {
  if (!schemaExists) {
    const message = `Schema "${schema}" does not exist. Migrate with { createSchema: true }, or remove the tenant from the directory.`;
    return [{ kind: 'missing', message }];
  }
  const missing = differences.filter(({ kind, actual }) => kind === 'table' && actual === undefined);
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(', ');
    return [{ kind: 'halfProvisioned', message: `Missing: ${names}. ensureTables makes what is missing.` }];
  }
  if (differences.length > 0) {
    const names = differences.map(({ kind, table, name }) => `${kind} ${table}.${name}`).join(', ');
    const message = `Differs from its version: ${names}. ${adviseOn(differences, schema)}`;
    return [{ kind: 'drifted', message }];
  }
  return [];
}

/**
 * A newer version of the software has recorded what comes after all that this one knows. Anything else that is unknown here has lost
 * its file, or the source reads another folder.
 */
function lostMigrations(unknown: readonly string[], present: ReadonlySet<string>, set: MigrationSet): TenantProblem[] {
  const lost = unknown.filter((label) => {
    const known = set.of(label.slice(0, label.indexOf(':')));
    return known.length === 0 || known.some((one) => one.label > label || !present.has(one.label));
  });
  const message =
    `Recorded, but in no list of migrations: ${lost.join(', ')}. A newer version would have recorded them after all others. ` +
    'Check the `path` of hostMigrations, and whether a file is missing.';
  return lost.length === 0 ? [] : [{ kind: 'drifted', message }];
}
