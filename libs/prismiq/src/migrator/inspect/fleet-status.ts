import type { MigrationSet } from '../../migrations/migration-set.js';
import type { FleetStatus, TenantFinding, VersionGroup } from '../fleet-report.js';
import type { TenantMigrationState, TenantProblem } from './tenant-migration-state.js';

/** The most important problem of a tenant, as reports show it. */
export function toFinding(state: TenantMigrationState): TenantFinding | undefined {
  const { tenant, version, differences, problems } = state;
  const [problem] = problems;
  const { tenantId, schema } = tenant;
  return problem === undefined ? undefined : { tenantId, schema, version, differences, message: problem.message };
}

/** Sorts the tenants by their state. */
export async function fleetStatus(
  states: AsyncIterable<TenantMigrationState>,
  set: MigrationSet,
  orphans: readonly string[],
): Promise<FleetStatus> {
  const groups = new Map<string, Omit<VersionGroup, 'tenants'> & { tenants: string[] }>();
  const findings: Record<TenantProblem['kind'], TenantFinding[]> = {
    missing: [],
    halfProvisioned: [],
    drifted: [],
    unreadable: [],
  };
  let total = 0;
  for await (const state of states) {
    total += 1;
    const finding = toFinding(state);
    if (finding !== undefined) {
      findings[state.problems[0]!.kind].push(finding);
      continue;
    }
    const { version, pending, unrecorded, unknown } = state;
    const group = {
      version,
      pending: pending.map(({ label }) => label),
      unrecorded: unrecorded.map(({ label }) => label),
      unknown,
      tenants: [],
    };
    const key = JSON.stringify(group);
    groups.set(key, groups.get(key) ?? group);
    groups.get(key)!.tenants.push(state.tenant.tenantId);
  }
  const sorted = [...groups.values()].sort((one, other) => one.pending.length - other.pending.length);
  return {
    total,
    newest: set.newest,
    upToDate:
      Object.values(findings).every(({ length }) => length === 0) &&
      sorted.every(({ pending, unrecorded }) => pending.length === 0 && unrecorded.length === 0),
    groups: sorted,
    ...findings,
    missing: findings.missing.map(({ tenantId, schema }) => ({ tenantId, schema })),
    orphans,
  };
}
