import type { FleetDatabase } from '../migrator-database.js';
import { TABLE_NAMES } from '../../schema/expected-catalog.js';
import { PRISMIQ_HISTORY_TABLE } from '../../schema/history.js';
import type { CatalogComparer } from './catalog-comparer.js';
import { CHUNK, LOOKS } from '../run/scheduler.js';
import type { MigrationSet } from '../../migrations/migration-set.js';
import type { FleetStatus, TenantFinding, TenantRef, VersionGroup } from '../migrator.types.js';
import type { TenantSchemaRef } from '../run/run-context.js';
import { readSnapshots } from './tenant-snapshot.js';
import { standingOf } from './tenant-standing.js';
import { troubleOf, type Sight, type Trouble } from './tenant-trouble.js';

/** Looks at all tenants, chunk by chunk, and writes nothing. */
export async function* lookAt(
  units: readonly TenantSchemaRef[],
  database: FleetDatabase,
  set: MigrationSet,
  judge: CatalogComparer,
): AsyncGenerator<Sight> {
  const invalid = await invalidIndexes(database);
  const sightsOf = async (chunk: readonly TenantSchemaRef[]): Promise<Sight[]> => {
    const snapshots = await readSnapshots(
      database,
      set,
      judge,
      chunk.map(({ schema }) => schema),
    );
    return chunk.map((unit) => {
      const snapshot = snapshots.get(unit.schema)!;
      return { unit, snapshot, standing: standingOf(snapshot, set), invalid: invalid.get(unit.schema) ?? [] };
    });
  };
  const read = async (chunk: readonly TenantSchemaRef[]): Promise<Sight[]> => {
    try {
      return await sightsOf(chunk);
    } catch (error) {
      if (chunk.length === 1) {
        return [{ unit: chunk[0]!, error }];
      }
      // One history that cannot be read fails the chunk: halves of it tell which.
      const half = Math.ceil(chunk.length / 2);
      return [...(await read(chunk.slice(0, half))), ...(await read(chunk.slice(half)))];
    }
  };
  for (let start = 0; start < units.length; start += CHUNK * LOOKS) {
    const chunks = Array.from({ length: LOOKS }, (_, index) =>
      units.slice(start + index * CHUNK, start + (index + 1) * CHUNK),
    ).filter(({ length }) => length > 0);
    for (const sights of await Promise.all(chunks.map(read))) {
      yield* sights;
    }
  }
}

/** Indexes that a failed CREATE INDEX CONCURRENTLY has left behind, by schema. */
async function invalidIndexes(database: FleetDatabase): Promise<Map<string, string[]>> {
  const rows = await database.query<{ schema: string; indexes: string[] }>(
    `SELECT n.nspname::text AS schema, array_agg(i.relname::text) AS indexes
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     WHERE NOT x.indisvalid GROUP BY n.nspname`,
  );
  return new Map(rows.map(({ schema, indexes }) => [schema, indexes]));
}

/** Schemas with tables of Prismiq that are nobody's. */
export async function findOrphans(database: FleetDatabase, known: ReadonlySet<string>): Promise<string[]> {
  const rows = await database.query<{ schema: string }>(
    `SELECT DISTINCT n.nspname::text AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = ANY($1) AND c.relkind IN ('r', 'p') ORDER BY 1`,
    [[...TABLE_NAMES, PRISMIQ_HISTORY_TABLE]],
  );
  return rows.map(({ schema }) => schema).filter((schema) => !known.has(schema));
}

/** Sorts the tenants by where they stand. */
export async function fleetStatus(
  sights: AsyncIterable<Sight>,
  set: MigrationSet,
  orphans: readonly string[],
): Promise<FleetStatus> {
  const groups = new Map<string, Omit<VersionGroup, 'tenants'> & { tenants: string[] }>();
  const findings: Record<Trouble, TenantFinding[]> = { missing: [], halfProvisioned: [], drifted: [], unreadable: [] };
  let total = 0;
  for await (const sight of sights) {
    total += 1;
    const trouble = troubleOf(sight, set);
    if (trouble !== undefined || 'error' in sight) {
      findings[trouble!.kind].push(trouble!.finding);
      continue;
    }
    const { version, pending, unrecorded, unknown } = sight.standing;
    const group = {
      version,
      pending: pending.map(({ label }) => label),
      unrecorded: unrecorded.map(({ label }) => label),
      unknown,
      tenants: [],
    };
    const key = JSON.stringify(group);
    groups.set(key, groups.get(key) ?? group);
    groups.get(key)!.tenants.push(sight.unit.tenantId);
  }
  const sorted = [...groups.values()].sort((one, other) => one.pending.length - other.pending.length);
  return {
    total,
    newest: set.newest,
    upToDate:
      Object.values(findings).every(({ length }) => length === 0) &&
      sorted.every(({ pending, unrecorded }) => pending.length === 0 && unrecorded.length === 0),
    groups: sorted,
    missing: findings.missing.map(({ tenantId, schema }): TenantRef => ({ tenantId, schema })),
    halfProvisioned: findings.halfProvisioned,
    drifted: findings.drifted,
    unreadable: findings.unreadable,
    orphans,
  };
}
