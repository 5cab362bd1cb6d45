import type { MikroORM } from '@mikro-orm/postgresql';
import { defaultSchemaFor } from '../directory/schema-for.js';
import type { TenantRecord } from '../directory/tenant-directory.js';
import { TenantRegistry } from '../directory/tenant-registry.js';
import { tenantsFromCatalog } from '../directory/tenants-from-catalog.js';
import type { TenantMigratorOptions, TenantSelection } from '../migrations/migrator.types.js';
import { selectTenants } from '../migrations/select-tenants.js';
import { executorOf } from '../sql/sql-target.js';

/** It is asked once, for all tenants: nothing is looked up, nothing kept. */
const WITHOUT_CACHE = { ttlMs: 0, negativeTtlMs: 0, maxEntries: 1, timeoutMs: 0 };

/**
 * The tenants that a selection means, with all that the directory knows of them.
 *
 * @throws TenantSelectionError, TenantDirectoryError
 */
export async function tenantsOf(
  orm: MikroORM,
  {
    directory = tenantsFromCatalog(),
    schemaFor = defaultSchemaFor,
  }: Pick<TenantMigratorOptions, 'directory' | 'schemaFor'>,
  selection: TenantSelection,
): Promise<TenantRecord[]> {
  const registry = new TenantRegistry(
    typeof directory === 'function' ? directory({ query: executorOf(orm).query, schemaFor }) : directory,
    { ...WITHOUT_CACHE, schemaFor, isInTransaction: () => false },
  );
  const records = new Map<string, TenantRecord>();
  async function* apart(): AsyncGenerator<TenantRecord> {
    for await (const record of registry.list()) {
      records.set(record.tenantId, record);
      // A run takes a schema that tenants share once; here each of them counts.
      yield { ...record, schema: record.tenantId };
    }
  }
  const selected = await selectTenants(apart(), selection);
  return selected.map(({ tenantId }) => records.get(tenantId)!);
}
