import type { PrismiqError } from '../errors/prismiq.error.js';

/** A schema to work on, and the tenant that owns it. Where tenants share a schema, it is the first of them. */
export interface TenantSchemaRef {
  readonly tenantId: string;
  readonly schema: string;
  readonly ring: string | undefined;
  /** Why no work can be done for it: the directory describes it wrongly. */
  readonly error?: PrismiqError | undefined;
}

/** The tenants that are migrated before those of the next ring. */
export interface Ring {
  /** Undefined for the tenants of no ring that the `rings` option names. */
  readonly ring: string | undefined;
  readonly tenants: readonly TenantSchemaRef[];
}
