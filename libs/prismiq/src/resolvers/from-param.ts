import { getRequestLike } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/**
 * Resolves the tenant that a route parameter names, as in `/tenants/:tenantId/reports`. A client chooses it freely: use it in
 * {@link allAgree}, after the authenticated user.
 *
 * @publicApi
 */
export const fromParam =
  (name: string): ResolveTenant =>
  (context) => {
    const tenantId = getRequestLike(context)?.params?.[name];
    return typeof tenantId === 'string' && tenantId !== '' ? { tenantId } : undefined;
  };
