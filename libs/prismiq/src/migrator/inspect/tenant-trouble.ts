import { toFailure } from '../run/failure.js';
import type { MigrationSet } from '../../migrations/migration-set.js';
import type { TenantFinding } from '../migrator.types.js';
import type { TenantSchemaRef } from '../run/run-context.js';
import type { TenantSnapshot } from './tenant-snapshot.js';
import type { TenantMigrationState } from './tenant-standing.js';

/** What was seen of a tenant. */
export type Sight = { readonly unit: TenantSchemaRef } & (Insight | { readonly error: unknown });

interface Insight {
  readonly snapshot: TenantSnapshot;
  readonly standing: TenantMigrationState;
  /** Indexes that a failed CREATE INDEX CONCURRENTLY has left behind. */
  readonly invalid: readonly string[];
}

export type Trouble = 'missing' | 'halfProvisioned' | 'drifted' | 'unreadable';

/** What is wrong with a tenant, if anything; that a tenant is behind is not. */
export function troubleOf(sight: Sight, set: MigrationSet): { kind: Trouble; finding: TenantFinding } | undefined {
  const { tenantId, schema } = sight.unit;
  if ('error' in sight) {
    const { message } = toFailure(sight.error, schema);
    const version = set.versionOf(new Set());
    return { kind: 'unreadable', finding: { tenantId, schema, version, differences: [], message } };
  }
  const { version, differences } = sight.standing;
  const [kind, message] = diagnosisOf(sight, schema);
  return kind === undefined ? undefined : { kind, finding: { tenantId, schema, version, differences, message } };
}

function diagnosisOf({ snapshot, standing, invalid }: Insight, schema: string): [Trouble, string] | [undefined] {
  const { differences } = standing;
  const missing = differences.filter(({ kind, actual }) => kind === 'table' && actual === undefined);
  if (!snapshot.schemaExists) {
    return [
      'missing',
      `Schema "${schema}" does not exist. Migrate with { createSchema: true }, or take the tenant out of the directory.`,
    ];
  }
  if (missing.length > 0) {
    return [
      'halfProvisioned',
      `Missing: ${missing.map(({ name }) => name).join(', ')}. ensureTables makes what is missing.`,
    ];
  }
  if (differences.length > 0) {
    const names = differences.map(({ kind, table, name }) => `${kind} ${table}.${name}`);
    return [
      'drifted',
      `Not as its version has it: ${names.join(', ')}. ensureTables makes what is missing; alter what has another shape.`,
    ];
  }
  if (invalid.length > 0) {
    return [
      'drifted',
      `Not valid: index ${invalid.join(', ')}, since CREATE INDEX CONCURRENTLY has failed. Migrate again, or drop it.`,
    ];
  }
  return [undefined];
}
