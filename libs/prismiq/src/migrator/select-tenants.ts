import type { ListedTenant } from '../directory/tenant-directory.js';
import { NoTenantsError, TenantSelectionError } from '../errors/migration.errors.js';
import type { TenantSelection } from './migrator-options.js';
import type { Ring, TenantSchemaRef } from './tenant-schema-ref.js';

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
 * The tenants of a selection.
 *
 * @param schemas receives the ids of the tenants in each schema, selected or not
 * @throws NoTenantsError, TenantSelectionError, at the end: an empty result, or a name that no tenant has, is more likely a
 *   mistake than intended
 */
export async function* selectTenants(
  tenants: AsyncIterable<ListedTenant>,
  { tenants: names, rings, tags, allowEmpty = false }: TenantSelection,
  schemas = new Map<string, string[]>(),
): AsyncGenerator<ListedTenant> {
  const ids = new Set(names?.filter((name) => !isPattern(name)));
  const patterns = names?.filter(isPattern).map((pattern) => ({ pattern, matches: toMatcher(pattern) })) ?? [];
  const unmet = {
    tenant: new Set(names),
    ring: new Set(rings),
    tag: new Set(tags),
  };
  let total = 0;
  let selected = 0;
  for await (const tenant of tenants) {
    total += 1;
    const { tenantId, schema, ring, tags: itsTags } = tenant;
    const owners = schemas.get(schema) ?? [];
    owners.push(tenantId);
    schemas.set(schema, owners);
    const matching = patterns.filter(({ matches }) => matches(tenantId)).map(({ pattern }) => pattern);
    matching.concat(tenantId).forEach((name) => unmet.tenant.delete(name));
    unmet.ring.delete(ring ?? '');
    itsTags.forEach((tag) => unmet.tag.delete(tag));
    if (
      (names === undefined || ids.has(tenantId) || matching.length > 0) &&
      (rings === undefined || (ring !== undefined && rings.includes(ring))) &&
      (tags === undefined || itsTags.some((tag) => tags.includes(tag)))
    ) {
      selected += 1;
      yield tenant;
    }
  }
  if (total === 0) {
    if (allowEmpty) return;
    throw new NoTenantsError();
  }
  for (const [what, wanted] of Object.entries(unmet)) {
    if (wanted.size > 0) {
      throw new TenantSelectionError(
        `the directory has no ${what} ${[...wanted].map((name) => JSON.stringify(name)).join(', ')}. Check the spelling.`,
      );
    }
  }
  if (selected === 0) {
    throw new TenantSelectionError('no tenant of the directory meets all conditions.');
  }
}

/** The schemas to work on, each once: tenants may share one. An unusable entry is one of its own. */
export async function distinctSchemas(tenants: AsyncIterable<ListedTenant>): Promise<TenantSchemaRef[]> {
  const refs = new Map<string, TenantSchemaRef>();
  const invalid: TenantSchemaRef[] = [];
  for await (const tenant of tenants) {
    const { tenantId, schema, ring } = tenant;
    if (tenant.state === 'invalid') {
      invalid.push({ tenantId, schema, ring, error: tenant.error });
    } else if (!refs.has(schema)) {
      refs.set(schema, { tenantId, schema, ring });
    }
  }
  return [...refs.values(), ...invalid];
}

/** The named rings in their order, then all other tenants. */
export function toRings(tenants: readonly TenantSchemaRef[], order: readonly string[]): Ring[] {
  const groups = Map.groupBy(tenants, ({ ring }) => (ring !== undefined && order.includes(ring) ? ring : undefined));
  return [...new Set([...order, undefined])].flatMap((ring) => {
    const members = groups.get(ring);
    return members === undefined ? [] : [{ ring, tenants: members }];
  });
}
