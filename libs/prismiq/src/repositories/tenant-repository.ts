import { Inject } from '@nestjs/common';
import type { Limits } from '../documents/limits.js';
import { PRISMIQ_LIMITS } from '../prismiq.constants.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { translateError } from '../sql/translate-error.js';
import { TenantContext } from '../tenancy/tenant-context.js';
import { errorContext } from '../tenancy/tenant.js';
import { TenantDatabase } from './tenant-database.js';
import type { TenantScope } from './tenant-scope.js';

/** Binds every call of a repository to the tenant in context. */
export abstract class TenantRepository {
  constructor(
    @Inject(TenantContext) private readonly context: TenantContext,
    @Inject(TenantDatabase) protected readonly database: TenantDatabase,
    @Inject(PRISMIQ_LIMITS) protected readonly limits: Limits,
  ) {}

  /** Runs one call for the tenant in context, and translates the errors of the database. */
  protected async forTenant<T>(call: (scope: TenantScope) => Promise<T>): Promise<T> {
    const tenant = this.context.require();
    const schema = quoteIdentifier(tenant.schema);
    try {
      return await call({
        tenant,
        dashboards: `${schema}.prismiq_dashboards`,
        widgets: `${schema}.prismiq_widgets`,
        savedQueries: `${schema}.prismiq_saved_queries`,
        limits: this.limits,
        changes: [],
      });
    } catch (error) {
      throw translateError(error, errorContext(tenant));
    }
  }
}
