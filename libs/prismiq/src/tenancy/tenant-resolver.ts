import type { ExecutionContext } from '@nestjs/common';
import type { TenantIdentity } from './tenant.js';

/** `undefined` or `null`: the request belongs to no tenant, as on a public route, and access to tenant-bound data fails. */
export type ResolvedTenant = TenantIdentity | undefined | null;

/**
 * Resolves the tenant of a request, message or event. It is called once for each, after the host's guards, so that the authenticated
 * user is known. Its answer is trusted: take it from the verified identity, never from what the client claims.
 *
 * @example
 * ```ts
 * class JwtTenantResolver extends TenantResolver {
 *   resolve(context: ExecutionContext) {
 *     const { user } = context.switchToHttp().getRequest();
 *     return user && { tenantId: user.tenant, userId: user.sub, isAdmin: user.roles.includes('admin') };
 *   }
 * }
 * ```
 * @publicApi
 */
export abstract class TenantResolver {
  abstract resolve(context: ExecutionContext): ResolvedTenant | Promise<ResolvedTenant>;
}

/** A {@link TenantResolver} as a function. */
export type ResolveTenant = TenantResolver['resolve'];

/** The default: resolves no tenant. */
export class NoTenantResolver extends TenantResolver {
  override resolve(): undefined {
    return undefined;
  }
}

export class FunctionTenantResolver extends TenantResolver {
  constructor(override readonly resolve: ResolveTenant) {
    super();
  }
}
