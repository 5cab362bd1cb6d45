import type { Parameters } from '../sql/parameters.js';
import type { Tenant } from '../tenancy/tenant.js';

/**
 * Compares two texts. As `text`, whose operator PostgreSQL finds in pg_catalog first: `varchar` has no operator of its own, and one
 * that somebody has made in `public` would be taken.
 */
const equal = (column: string, value: string): string => `${column}::text = ${value}::text`;

/**
 * Who may see and who may change, in SQL, so that every statement that reads or writes carries its own check (wire contract
 * 7.2). `d` is a dashboard, `q` a saved query. All begin with the tenant: the schema is the first lock, this the second, and
 * the only one where tenants share a schema.
 */
export function dashboardVisibleSql(tenant: Tenant, parameters: Parameters): string {
  const own = dashboardInTenantSql(tenant, parameters);
  if (tenant.isAdmin) {
    return own;
  }
  if (tenant.userId === undefined) {
    return `${own} AND d.is_public`;
  }
  const user = parameters.add(tenant.userId);
  return `${own} AND (d.is_public OR ${equal('d.owner_id', user)} OR ${user}::text = ANY(d.allowed_viewers))`;
}

/** The second lock alone, for statements whose dashboard was checked and locked by an earlier one. */
export function dashboardInTenantSql(tenant: Tenant, parameters: Parameters): string {
  return equal('d.tenant_id', parameters.add(tenant.tenantId));
}

export function dashboardChangeableSql(tenant: Tenant, parameters: Parameters): string {
  return changeableSql('d', tenant, parameters);
}

export function savedQueryVisibleSql(tenant: Tenant, parameters: Parameters): string {
  const own = equal('q.tenant_id', parameters.add(tenant.tenantId));
  if (tenant.isAdmin) {
    return own;
  }
  return tenant.userId === undefined
    ? `${own} AND q.is_shared`
    : `${own} AND (q.is_shared OR ${equal('q.owner_id', parameters.add(tenant.userId))})`;
}

export function savedQueryChangeableSql(tenant: Tenant, parameters: Parameters): string {
  return changeableSql('q', tenant, parameters);
}

/** The owner and admins; without a user nobody. */
function changeableSql(alias: string, tenant: Tenant, parameters: Parameters): string {
  const own = equal(`${alias}.tenant_id`, parameters.add(tenant.tenantId));
  if (tenant.isAdmin) {
    return own;
  }
  return tenant.userId === undefined
    ? `${own} AND false`
    : `${own} AND ${equal(`${alias}.owner_id`, parameters.add(tenant.userId))}`;
}
