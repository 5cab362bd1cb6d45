import { TenantDirectory, type TenantEntry } from './tenant-directory.js';

/**
 * Tenants that are known when the application starts: ids, or entries.
 *
 * @example `directory: tenantsFromList(['acme', { tenantId: 'globex', state: 'suspended' }])`
 * @publicApi
 */
export const tenantsFromList = (tenants: Iterable<string | TenantEntry>): TenantDirectory =>
  new ListTenantDirectory(tenants);

class ListTenantDirectory extends TenantDirectory {
  readonly #tenants: Map<string, TenantEntry>;

  constructor(tenants: Iterable<string | TenantEntry>) {
    super();
    const entries = Array.from(tenants, (tenant) => (typeof tenant === 'string' ? { tenantId: tenant } : tenant));
    this.#tenants = new Map(entries.map((entry) => [entry.tenantId, entry]));
  }

  override find(tenantId: string): TenantEntry | undefined {
    return this.#tenants.get(tenantId);
  }

  override list(): Iterable<TenantEntry> {
    return this.#tenants.values();
  }
}
