import type { Limits } from '../documents/limits.js';
import type { TenantResolver } from '../tenancy/tenant-resolver.js';
import type { SchemaFor } from '../tenancy/tenant.js';

/** The values of a registration, checked, with defaults applied. Frozen. */
export interface PrismiqConfig {
  readonly resolver: TenantResolver;
  readonly schemaFor: SchemaFor;
  readonly limits: Limits;
}
