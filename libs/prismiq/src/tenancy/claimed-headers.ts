import { TenantMismatchError } from '../errors/tenancy.errors.js';
import type { Tenant } from './tenant.js';

type Headers = Record<string, string | string[] | undefined>;

/**
 * Prismiq's React client names tenant, schema and user in headers. Nothing proves them, so they are only compared with the tenant
 * that the server resolved.
 *
 * @throws TenantMismatchError
 */
export function assertClaims(headers: Headers, tenant: Tenant): void {
  assertClaim(headers, 'X-Tenant-ID', tenant.tenantId, tenant);
  assertClaim(headers, 'X-Schema-Name', tenant.schema, tenant);
  if (tenant.userId !== undefined) {
    assertClaim(headers, 'X-User-ID', tenant.userId, tenant);
  }
}

function assertClaim(headers: Headers, header: string, derived: string, { tenantId, schema }: Tenant): void {
  const claimed = headers[header.toLowerCase()];
  if (claimed !== undefined && claimed !== derived) {
    throw new TenantMismatchError(`${header} header`, { tenantId, schema });
  }
}
