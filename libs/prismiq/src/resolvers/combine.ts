import type { ExecutionContext } from '@nestjs/common';
import { TenantMismatchError } from '../errors/tenancy.errors.js';
import type { ResolvedTenant, ResolveTenant, TenantResolver } from '../tenancy/tenant-resolver.js';

/** A resolver in either of its forms. */
export type AnyResolver = TenantResolver | ResolveTenant;

const resolve = (resolver: AnyResolver, context: ExecutionContext): ResolvedTenant | Promise<ResolvedTenant> =>
  typeof resolver === 'function' ? resolver(context) : resolver.resolve(context);

/**
 * Asks resolvers one after the other until one returns a tenant: for ways of authentication that exclude each other.
 *
 * @publicApi
 */
export function firstOf(...resolvers: AnyResolver[]): ResolveTenant {
  return async (context) => {
    for (const resolver of resolvers) {
      const identity = await resolve(resolver, context);
      if (identity != null) {
        return identity;
      }
    }
    return undefined;
  };
}

/**
 * Returns the identity of the first resolver if all others name the same tenant and, if they name a user, the same user. Put the
 * authenticated source first: user and admin come from it alone. If any of them names no tenant, there is none.
 *
 * @example `resolver: allAgree(fromUser({ tenantId: 'org', userId: 'sub' }), fromSubdomain('example.com'))`
 * @throws TenantMismatchError if two of them differ
 * @publicApi
 */
export function allAgree(first: AnyResolver, ...others: AnyResolver[]): ResolveTenant {
  return async (context) => {
    const [identity, ...claims] = await Promise.all([first, ...others].map((resolver) => resolve(resolver, context)));
    if (identity == null || claims.some((claim) => claim == null)) {
      return undefined;
    }
    const { tenantId, userId } = identity;
    for (const claim of claims) {
      if (claim?.tenantId !== tenantId) {
        throw new TenantMismatchError('tenant that the request names', { tenantId });
      }
      if (claim.userId !== undefined && claim.userId !== userId) {
        throw new TenantMismatchError('user that the request names', { tenantId });
      }
    }
    return identity;
  };
}
