import type { ExecutionContext } from '@nestjs/common';
import { getHttpRequest } from './request-like.js';
import { assertClaims } from './claimed-headers.js';
import type { TenantContext } from './tenant-context.js';
import type { TenantResolver, ResolvedTenant } from './tenant-resolver.js';
import type { Tenant } from './tenant.js';

/**
 * Resolves the tenant of a call: asks the host's resolver, looks the tenant up, and compares it with the request's headers. Returns no
 * promise if everything is known at once, because every request comes through here.
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
    const headers = getHttpRequest(execution)?.headers;
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
  // Not instanceof: a promise may come from another library, or from outside a test runner's sandbox.
  return isPromise(identity) ? Promise.resolve(identity).then(lookUp) : lookUp(identity);
}

const isPromise = (answer: ResolvedTenant | Promise<ResolvedTenant>): answer is Promise<ResolvedTenant> =>
  typeof (answer as Partial<Promise<unknown>> | undefined | null)?.then === 'function';
