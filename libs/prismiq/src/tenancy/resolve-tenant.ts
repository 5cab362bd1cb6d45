import type { ExecutionContext } from '@nestjs/common';
import { requestOf } from './request-like.js';
import { assertClaims } from './claimed-headers.js';
import type { TenantContext } from './tenant-context.js';
import type { TenantResolver, ResolvedTenant } from './tenant-resolver.js';
import type { Tenant } from './tenant.js';

/**
 * Whose call this is: asks the host's resolver, looks the tenant up, and compares what the request's headers claim. Without a
 * promise where all is known at once, since each request passes here.
 *
 * @throws what the resolver throws; InvalidTenantIdError, InvalidUserIdError, TenantNotFoundError, TenantSuspendedError,
 *   TenantDirectoryError, TenantMismatchError
 */
export function resolveTenant(
  execution: ExecutionContext,
  resolver: TenantResolver,
  context: TenantContext,
): Tenant | undefined | Promise<Tenant | undefined> {
  const check = (tenant: Tenant): Tenant => {
    const headers = requestOf(execution)?.headers;
    if (headers !== undefined) {
      assertClaims(headers, tenant);
    }
    return tenant;
  };
  const lookUp = (identity: ResolvedTenant): Tenant | undefined | Promise<Tenant> => {
    if (identity == null) {
      return undefined;
    }
    const tenant = context.resolve(identity);
    return tenant instanceof Promise ? tenant.then(check) : check(tenant);
  };
  const identity = resolver.resolve(execution);
  // By what it does: a promise of another library, or of outside a test runner's sandbox, is none of this realm's.
  return isPromise(identity) ? Promise.resolve(identity).then(lookUp) : lookUp(identity);
}

const isPromise = (answer: ResolvedTenant | Promise<ResolvedTenant>): answer is Promise<ResolvedTenant> =>
  typeof (answer as Partial<Promise<unknown>> | undefined | null)?.then === 'function';
