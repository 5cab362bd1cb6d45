import { carrierOf } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/** @publicApi */
export interface SubdomainOptions {
  /**
   * Subdomains that are nobody's, such as `www`.
   * @default []
   */
  except?: readonly string[] | undefined;
}

/**
 * The tenant that the host name names: `acme` of `acme.example.com`, for the base domain `example.com`; in lower case. Any other
 * host, and a subdomain of a subdomain, is nobody's.
 *
 * A client chooses the host name freely. It says where somebody wants to go, not who he is: put {@link fromUser} before it, in
 * {@link allAgree}, wherever there is more to see than what is public. Behind a proxy, tell Express or Fastify to trust it.
 *
 * @publicApi
 */
export function fromSubdomain(baseDomain: string, { except = [] }: SubdomainOptions = {}): ResolveTenant {
  const base = `.${baseDomain.toLowerCase()}`;
  const nobodys = except.map((label) => label.toLowerCase());
  return (context) => {
    const host = carrierOf(context)?.hostname?.toLowerCase().replace(/\.$/, '') ?? '';
    const label = host.endsWith(base) ? host.slice(0, -base.length) : '';
    return /^[a-z0-9_-]+$/.test(label) && !nobodys.includes(label) ? { tenantId: label } : undefined;
  };
}
