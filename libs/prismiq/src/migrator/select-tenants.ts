import type { ListedTenant, TenantRecord } from '../directory/tenant-directory.js';
import { TenantSelectionError } from '../errors/migration.errors.js';
import type { Ring } from './run/scheduler.js';
import type { TenantSelection } from './migrator.types.js';
import type { TenantSchemaRef } from './run/run-context.js';

const isPattern = (text: string): boolean => /[*?]/.test(text);

function toMatcher(pattern: string): (tenantId: string) => boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (tenantId) => expression.test(tenantId);
}

/**
 * The tenants that are selected.
 *
 * @param schemas is given those of all tenants, selected or not
 * @throws TenantSelectionError, at the end, where a condition is met by nobody: more likely a slip than an intention
 */
export async function* selectTenants(
  tenants: AsyncIterable<ListedTenant>,
  { tenants: names, rings, tags }: TenantSelection,
  schemas = new Set<string>(),
): AsyncGenerator<TenantRecord> {
  const ids = new Set(names?.filter((name) => !isPattern(name)));
  const patterns = names?.filter(isPattern).map((pattern) => ({ pattern, matches: toMatcher(pattern) })) ?? [];
  const unmet = {
    tenant: new Set(names),
    ring: new Set(rings),
    tag: new Set(tags),
  };
  for await (const tenant of tenants) {
    if (tenant.state === 'invalid') {
      throw tenant.error;
    }
    const { tenantId, schema, ring, tags: itsTags } = tenant;
    schemas.add(schema);
    const matching = patterns.filter(({ matches }) => matches(tenantId)).map(({ pattern }) => pattern);
    matching.concat(tenantId).forEach((name) => unmet.tenant.delete(name));
    unmet.ring.delete(ring ?? '');
    itsTags.forEach((tag) => unmet.tag.delete(tag));
    if (
      (names === undefined || ids.has(tenantId) || matching.length > 0) &&
      (rings === undefined || (ring !== undefined && rings.includes(ring))) &&
      (tags === undefined || itsTags.some((tag) => tags.includes(tag)))
    ) {
      yield tenant;
    }
  }
  for (const [what, wanted] of Object.entries(unmet)) {
    if (wanted.size > 0) {
      throw new TenantSelectionError(
        `the directory has no ${what} ${[...wanted].map((name) => JSON.stringify(name)).join(', ')}. Check the spelling.`,
      );
    }
  }
}

/** The schemas to work on, each once: tenants may share one. */
export async function unitsOf(tenants: AsyncIterable<TenantRecord>): Promise<TenantSchemaRef[]> {
  const units = new Map<string, TenantSchemaRef>();
  for await (const { tenantId, schema, ring } of tenants) {
    if (!units.has(schema)) {
      units.set(schema, { tenantId, schema, ring });
    }
  }
  return [...units.values()];
}

/** In the order of their turn: those of the named rings, then all others. */
export function ringsOf(units: readonly TenantSchemaRef[], order: readonly string[]): Ring[] {
  const rings: Ring[] = [...order, undefined].map((ring) => ({
    ring,
    units: units.filter(
      (unit) => (unit.ring !== undefined && order.includes(unit.ring) ? unit.ring : undefined) === ring,
    ),
  }));
  return rings.filter(({ units }) => units.length > 0);
}
