import { Inject } from '@nestjs/common';
import { quoteIdentifier } from '../sql/identifier.js';
import { Database } from '../sql/database.js';
import { translateError } from '../sql/translate-error.js';
import { TenantContext } from '../tenancy/tenant-context.js';
import type { Tenant } from '../tenancy/tenant.js';

/** The tenant for whom a call works, and its tables, qualified and quoted. */
export interface TenantScope {
  tenant: Tenant;
  dashboards: string;
  widgets: string;
  savedQueries: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be the id of a record. What cannot be one is not found; PostgreSQL would raise an error. */
export const isId = (id: unknown): id is string => typeof id === 'string' && UUID.test(id);

/** What the repositories have in common: every call is bound to the tenant in context, or fails. */
export abstract class TenantRepository {
  constructor(
    @Inject(TenantContext) private readonly context: TenantContext,
    @Inject(Database) protected readonly database: Database,
  ) {}

  /** Runs one call for the tenant in context, and translates what the database throws. */
  protected async forTenant<T>(call: (scope: TenantScope) => Promise<T>): Promise<T> {
    const tenant = this.context.require();
    const schema = quoteIdentifier(tenant.schema);
    try {
      return await call({
        tenant,
        dashboards: `${schema}.prismiq_dashboards`,
        widgets: `${schema}.prismiq_widgets`,
        savedQueries: `${schema}.prismiq_saved_queries`,
      });
    } catch (error) {
      throw translateError(error, { tenantId: tenant.tenantId, schema: tenant.schema });
    }
  }
}
