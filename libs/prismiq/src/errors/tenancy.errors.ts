import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * Tenant-bound data was accessed without a tenant in context. Nothing was sent to the database.
 *
 * @publicApi
 */
export class TenantRequiredError extends PrismiqError {
  override readonly code = 'TENANT_REQUIRED';

  constructor(
    problem = 'No tenant in context. In a request handler: apply TenantGuard (behind your own guards) or TenantInterceptor to the ' +
      'controller, and let the `resolver` option return a tenant for this request. ' +
      'Anywhere else (jobs, cron, queues, scripts): wrap the call in tenantContext.runInTenant(tenantId, fn). ' +
      'Where PrismiqModule is registered more than once, each registration has a context of its own.',
  ) {
    super(problem, 400, false);
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
 * Two sources disagree about whose request this is: a header, a host name or a route parameter names another tenant, schema or
 * user than the authenticated identity.
 *
 * @publicApi
 */
export class TenantMismatchError extends PrismiqError {
  override readonly code = 'TENANT_MISMATCH';

  /** @param source what disagrees, e.g. `X-Tenant-ID header` */
  constructor(
    readonly source: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`The ${source} does not match the authenticated identity`, 403, true, context);
  }
}

/**
 * The tenant is in the directory, but its schema has no Prismiq tables, or does not exist.
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

/**
 * The tenant directory knows no tenant of this id. Nothing was sent to the tenant's schema.
 *
 * @publicApi
 */
export class TenantNotFoundError extends PrismiqError {
  override readonly code = 'TENANT_NOT_FOUND';

  constructor(context: PrismiqErrorContext) {
    super(
      `The tenant directory knows no tenant ${quote(context.tenantId)}. Without a \`directory\` option, a tenant exists as soon as its ` +
        'schema holds Prismiq tables; ensureTables makes them. If it was made a moment ago, call TenantRegistry.invalidate().',
      404,
      false,
      context,
    );
  }
}

/**
 * The tenant is suspended: its data cannot be used until its directory says `active` again.
 *
 * @publicApi
 */
export class TenantSuspendedError extends PrismiqError {
  override readonly code = 'TENANT_SUSPENDED';

  constructor(context: PrismiqErrorContext) {
    super('This tenant is suspended. Ask the provider of the application.', 403, true, context);
  }
}

/**
 * The tenant directory failed, did not answer in time, or gave an unusable answer; see `cause`. It is unknown whether the tenant
 * exists.
 *
 * @publicApi
 */
export class TenantDirectoryError extends PrismiqError {
  override readonly code = 'TENANT_DIRECTORY_FAILED';

  constructor(problem: string, context: PrismiqErrorContext = {}) {
    super(`The tenant directory ${problem}`, 503, false, context);
  }
}

/** What `forEachTenant` has done. @publicApi */
export interface ForEachTenantResult {
  /** The number of tenants for which the work succeeded. */
  succeeded: number;
  /** The tenants for which it failed, and why; a tenant that the directory describes wrongly is one of them. */
  failures: { tenantId: string; error: unknown }[];
  /** The number of tenants that were skipped because they are suspended. */
  suspended: number;
}

/**
 * The directory failed while `forEachTenant` went through its tenants; see `cause`. `result` says for which tenants the work
 * was done before that.
 *
 * @publicApi
 */
export class TenantListError extends TenantDirectoryError {
  constructor(
    readonly result: ForEachTenantResult,
    context: PrismiqErrorContext,
  ) {
    const { succeeded, failures } = result;
    super(
      `failed during the work for its tenants, after ${succeeded} had succeeded and ${failures.length} had failed: ` +
        `${String(context.cause)}. See \`result\` for the failures.`,
      context,
    );
  }
}

/**
 * The work of `forEachTenant` failed for a tenant, and no other was started; see `cause`. `result` has all failures:
 * with `concurrency`, tenants in progress may have failed as well.
 *
 * @publicApi
 */
export class TenantTaskError extends PrismiqError {
  override readonly code = 'TENANT_TASK_FAILED';

  constructor(
    readonly result: ForEachTenantResult,
    context: PrismiqErrorContext,
  ) {
    super(
      `The work for tenant ${quote(context.tenantId)} failed, after ${result.succeeded} had succeeded: ${String(context.cause)}. ` +
        "To continue with the other tenants, use { onError: 'continue' }.",
      500,
      false,
      context,
    );
  }
}

/**
 * The tenant has used its share of the connections for longer than `connections.waitTimeoutMs`, so that the call never began.
 *
 * @publicApi
 */
export class TenantBusyError extends PrismiqError {
  override readonly code = 'TENANT_BUSY';
  override readonly retryAfterSeconds = 1;

  /** @param share how many connections the tenant may use at a time */
  constructor(share: number, context: PrismiqErrorContext) {
    super(
      `Too many requests at a time: all ${share} connections of tenant ${quote(context.tenantId)} (\`connections.perTenant\`) ` +
        'stayed in use. Nothing was done. Try again in a moment.',
      503,
      true,
      context,
    );
  }
}

/** JSON escapes control characters and quotes. */
const quote = (text: string | undefined): string => JSON.stringify(text ?? '');
