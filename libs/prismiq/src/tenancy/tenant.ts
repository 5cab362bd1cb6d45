import { idProblem } from '../directory/tenant-id.js';
import type { TenantRecord } from '../directory/tenant-directory.js';
import { InvalidUserIdError } from '../errors/tenancy.errors.js';

/**
 * The tenant and user of a request, as a {@link TenantResolver} returns them.
 *
 * @publicApi
 */
export interface TenantIdentity {
  /** 1 to 255 characters, as in the `tenant_id` columns. */
  tenantId: string;
  /**
   * The acting user, 1 to 255 characters. Without one, only public and shared records are visible, and nothing can be changed.
   * @default undefined
   */
  userId?: string | undefined;
  /**
   * Whether the acting user may see and change everything of the tenant.
   * @default false
   */
  isAdmin?: boolean | undefined;
}

/**
 * The tenant in context: an identity, and the schema that holds its data. Immutable.
 *
 * @publicApi
 */
export interface Tenant {
  readonly tenantId: string;
  /** The PostgreSQL schema, unquoted. */
  readonly schema: string;
  readonly userId: string | undefined;
  readonly isAdmin: boolean;
}

/**
 * Checks an identity and adds the schema of its tenant.
 *
 * @throws InvalidUserIdError
 */
export function toTenant({ userId, isAdmin }: TenantIdentity, { tenantId, schema }: TenantRecord): Tenant {
  const problem = userId === undefined ? undefined : idProblem(userId);
  if (problem !== undefined) {
    throw new InvalidUserIdError(`${problem} Let the resolver return undefined for no user.`, { tenantId });
  }
  return Object.freeze({ tenantId, schema, userId, isAdmin: isAdmin === true });
}

/** What an error says about the tenant for whom it happened. */
export const errorContext = ({ tenantId, schema }: Tenant) => ({ tenantId, schema });
