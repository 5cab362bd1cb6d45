import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * The selection names a tenant, a ring or a tag that the directory does not have. Nothing was done.
 *
 * @publicApi
 */
export class TenantSelectionError extends PrismiqError {
  override readonly code = 'TENANT_SELECTION';

  constructor(problem: string) {
    super(`Cannot select tenants: ${problem}`, 404, false);
  }
}

/**
 * The directory has no tenants, probably because it reads a wrong or empty database. Nothing was done.
 *
 * @publicApi
 */
export class NoTenantsError extends PrismiqError {
  override readonly code = 'NO_TENANTS';

  constructor() {
    super(
      'The directory has no tenants. Check which database it reads. If there are none yet, use { allowEmpty: true }.',
      404,
      false,
    );
  }
}

/**
 * A run was asked for something that its migrations do not have, such as an unknown name. Nothing was done.
 *
 * @publicApi
 */
export class MigrationTargetError extends PrismiqError {
  override readonly code = 'MIGRATION_TARGET';

  constructor(problem: string) {
    super(`Cannot migrate: ${problem}`, 400, false);
  }
}

/**
 * A migration has a statement that must not, or cannot, run as asked. The tenant is as it was before.
 *
 * @publicApi
 */
export class MigrationRefusedError extends PrismiqError {
  override readonly code = 'MIGRATION_REFUSED';

  /** @param migration as `source:name` */
  constructor(
    readonly migration: string,
    problem: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`Migration ${migration}: ${problem}`, 500, false, context);
  }
}

/**
 * Taking a migration back would lose data, and the run does not allow it. The tenant is as it was before.
 *
 * @publicApi
 */
export class DataLossError extends PrismiqError {
  override readonly code = 'DATA_LOSS';

  /** @param migration as `source:name` */
  constructor(
    readonly migration: string,
    readonly statement: string,
    /** How data would be lost, such as `it drops a column`. */
    readonly reason: string,
    context: PrismiqErrorContext = {},
  ) {
    super(
      `Taking back ${migration} may lose data: ${reason}. Nothing was changed. ` +
        `Make a backup and allow it: { allowDataLoss: true }. The statement is: ${statement}`,
      409,
      false,
      context,
    );
  }
}

/**
 * A statement of a migration failed. The tenant is as it was before.
 *
 * @publicApi
 */
export class MigrationFailedError extends PrismiqError {
  override readonly code = 'MIGRATION_FAILED';

  /** @param migration as `source:name` */
  constructor(
    readonly migration: string,
    reason: string,
    context: PrismiqErrorContext,
  ) {
    super(`Migration ${migration} failed: ${reason}`, 500, false, context);
  }
}

/**
 * Another process works on the tenant: a migrator, or an `ensureTables` in an open transaction. The tenant was not touched.
 *
 * @publicApi
 */
export class TenantLockedError extends PrismiqError {
  override readonly code = 'TENANT_LOCKED';

  constructor(context: PrismiqErrorContext) {
    super(
      `Schema "${context.schema}" is being worked on by another process. Run again when it has finished; ` +
        'pg_stat_activity shows which one it is.',
      503,
      false,
      { sqlState: '55P03', ...context },
    );
  }
}
