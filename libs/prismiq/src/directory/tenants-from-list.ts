import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { attempt } from './probe-schema-for.js';
import { SchemaOwners } from './schema-owners.js';
import { TenantDirectory, type TenantDirectoryFactory, type TenantEntry } from './tenant-directory.js';

/**
 * Tenants that are known when the application starts: ids, or entries.
 *
 * @example `directory: tenantsFromList(['acme', { tenantId: 'globex', state: 'suspended' }])`
 * @throws InvalidOptionsError when the application starts, if `schemaFor` gives two of them one schema by accident
 * @publicApi
 */
export const tenantsFromList =
  (tenants: Iterable<string | TenantEntry>): TenantDirectoryFactory =>
  ({ schemaFor }) => {
    const entries = Array.from(tenants, (tenant) => (typeof tenant === 'string' ? { tenantId: tenant } : tenant));
    const owners = new SchemaOwners(schemaFor);
    for (const { tenantId, schema } of entries) {
      const derived = schema == null ? attempt(schemaFor, tenantId) : undefined;
      const conflict = derived === undefined ? undefined : owners.claim(tenantId, derived);
      if (conflict !== undefined) {
        throw new InvalidOptionsError('directory', conflict.problem, {}, 'tenantsFromList');
      }
    }
    return new ListTenantDirectory(entries);
  };

class ListTenantDirectory extends TenantDirectory {
  readonly #tenants: ReadonlyMap<string, TenantEntry>;

  constructor(entries: readonly TenantEntry[]) {
    super();
    this.#tenants = new Map(entries.map((entry) => [entry.tenantId, entry]));
  }

  override find(tenantId: string): TenantEntry | undefined {
    return this.#tenants.get(tenantId);
  }

  override list(): Iterable<TenantEntry> {
    return this.#tenants.values();
  }
}
