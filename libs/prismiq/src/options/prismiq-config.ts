import type { Limits } from '../documents/limits.js';
import type { SchemaFor } from '../directory/schema-for.js';
import type { TenantDirectoryFactory } from '../directory/tenant-directory.js';
import type { TenantRegistryOptions } from '../directory/tenant-registry.js';
import type { PrismiqMigratorOptions } from './prismiq-options.js';
import type { ConnectionLimits } from '../repositories/tenant-database.js';
import type { QueryConfig } from '../query/options/resolve-query-options.js';
import type { TenantResolver } from '../tenancy/tenant-resolver.js';

/** The values of a registration, checked, with defaults applied. Frozen. */
export interface PrismiqConfig {
  readonly resolver: TenantResolver;
  readonly schemaFor: SchemaFor;
  readonly directory: TenantDirectoryFactory;
  readonly directoryCache: Omit<TenantRegistryOptions, 'schemaFor' | 'isInTransaction'>;
  readonly bindEntityManager: boolean;
  readonly limits: Limits;
  readonly connections: ConnectionLimits;
  readonly migrator: PrismiqMigratorOptions;
  /** `undefined`: nothing can be queried. */
  readonly query: QueryConfig | undefined;
}
