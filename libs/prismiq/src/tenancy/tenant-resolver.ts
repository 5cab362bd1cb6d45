import type { ExecutionContext } from '@nestjs/common';
import type { TenantIdentity } from './tenant.js';

/** Nothing: the request belongs to no tenant (a public route, say), and access to tenant-bound data will fail. */
export type ResolvedTenant = TenantIdentity | undefined | null;

/**
 * Says to which tenant a request, message or event belongs. Called once for each, after the host's guards, so that the
 * authenticated user is there. Its answer is trusted: take it from the verified identity, never from what the client merely
 * claims.
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

/** Stands in where a host gave no resolver: nothing is ever resolved. */
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
