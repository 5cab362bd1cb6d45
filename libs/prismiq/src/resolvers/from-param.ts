import { carrierOf } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/**
 * The tenant that a route parameter names, as in `/tenants/:tenantId/reports`. A client chooses it freely: use it in
 * {@link allAgree}, behind the authenticated user.
 *
 * @publicApi
 */
export const fromParam =
  (name: string): ResolveTenant =>
  (context) => {
    const tenantId = carrierOf(context)?.params?.[name];
    return typeof tenantId === 'string' && tenantId !== '' ? { tenantId } : undefined;
  };
