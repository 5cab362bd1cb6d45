/**
 * The PostgreSQL schema with a tenant's data: the orders and, since Prismiq was plugged in, the dashboards. The application had
 * this rule before; Prismiq takes it over as its `schemaFor` option.
 */
export const tenantSchema = (tenantId: string): string => `tenant_${tenantId}`;
