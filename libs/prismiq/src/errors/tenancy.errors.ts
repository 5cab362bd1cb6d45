import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * Tenant-bound data was asked for while no tenant is in context. Nothing was sent to the database.
 *
 * @publicApi
 */
export class TenantRequiredError extends PrismiqError {
  override readonly code = 'TENANT_REQUIRED';

  constructor() {
    super(
      'No tenant in context. In a request handler: apply TenantInterceptor to the controller (or register it as APP_INTERCEPTOR), ' +
        'and let the `resolver` option return a tenant for this request. ' +
        'Anywhere else (jobs, cron, queues, scripts): wrap the call in tenantContext.runInTenant(tenantId, fn). ' +
        'Where PrismiqModule is registered more than once, each registration has a context of its own.',
      400,
      false,
    );
  }
}

/**
 * The tenant id cannot be used: it is empty, too long, or gives no valid schema name. Nothing was sent to the database.
 *
 * @publicApi
 */
export class InvalidTenantIdError extends PrismiqError {
  override readonly code = 'INVALID_TENANT_ID';

  constructor(problem: string, context: PrismiqErrorContext = {}) {
    super(`Invalid tenant id: ${problem}`, 400, false, context);
  }
}

/**
 * The user id that a resolver gave, or that the code runs as, cannot be used.
 *
 * @publicApi
 */
export class InvalidUserIdError extends PrismiqError {
  override readonly code = 'INVALID_USER_ID';

  constructor(problem: string, context: PrismiqErrorContext = {}) {
    super(`Invalid user id: ${problem}`, 400, false, context);
  }
}

/**
 * The request names a tenant, schema or user in a header, and the authenticated identity is another one.
 *
 * @publicApi
 */
export class TenantMismatchError extends PrismiqError {
  override readonly code = 'TENANT_MISMATCH';

  /** @param header the request header that disagrees */
  constructor(
    readonly header: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`The ${header} header does not match the authenticated identity`, 403, true, context);
  }
}

/**
 * The tenant's schema holds no Prismiq tables, or the schema does not exist.
 *
 * @publicApi
 */
export class TenantNotProvisionedError extends PrismiqError {
  override readonly code = 'TENANT_NOT_PROVISIONED';

  constructor(context: PrismiqErrorContext) {
    super(
      `Tenant "${context.tenantId}" has no Prismiq tables in schema "${context.schema}". ` +
        `Create them with ensureTables(orm, { schema: '${context.schema}', createSchema: true }), or check \`schemaFor\`.`,
      404,
      false,
      context,
    );
  }
}

/**
 * The tenant's tables are older than this version of the package: a column that it needs is missing.
 *
 * @publicApi
 */
export class TenantOutdatedError extends PrismiqError {
  override readonly code = 'TENANT_OUTDATED';

  constructor(context: PrismiqErrorContext) {
    super(
      `The Prismiq tables in schema "${context.schema}" are older than this version of @prismiq/nestjs. ` +
        `Migrate the tenant, or run ensureTables(orm, { schema: '${context.schema}' }).`,
      503,
      false,
      context,
    );
  }
}
