import { getRequestLike } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/** @publicApi */
export interface SubdomainOptions {
  /**
   * Subdomains that belong to no tenant, such as `www`.
   * @default []
   */
  except?: readonly string[] | undefined;
}

/**
 * Resolves the tenant from the host name: `acme` for `acme.example.com` with the base domain `example.com`, in lower case. Any
 * other host, and a subdomain of a subdomain, gives no tenant.
 *
 * A client chooses the host name freely. Use it in {@link allAgree}, after {@link fromUser}, for everything that is not public. Behind
 * a proxy, configure Express or Fastify to trust it.
 *
 * @publicApi
 */
export function fromSubdomain(baseDomain: string, { except = [] }: SubdomainOptions = {}): ResolveTenant {
  const base = `.${baseDomain.toLowerCase()}`;
  const excluded = except.map((label) => label.toLowerCase());
  return (context) => {
    const host = getRequestLike(context)?.hostname?.toLowerCase().replace(/\.$/, '') ?? '';
    const label = host.endsWith(base) ? host.slice(0, -base.length) : '';
    return /^[a-z0-9_-]+$/.test(label) && !excluded.includes(label) ? { tenantId: label } : undefined;
  };
}
