import { idProblem } from '../directory/tenant-id.js';
import type { TenantRecord } from '../directory/tenant-directory.js';
import { InvalidUserIdError } from '../errors/tenancy.errors.js';

/**
 * Who is asking, as a {@link TenantResolver} found out.
 *
 * @publicApi
 */
export interface TenantIdentity {
  /** 1 to 255 characters; what the `tenant_id` columns hold. */
  tenantId: string;
  /**
   * The acting user, 1 to 255 characters. Without one, only what is public or shared can be seen, and nothing changed.
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
 * An identity, checked, with the schema of its tenant.
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
