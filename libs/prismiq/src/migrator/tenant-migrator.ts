import { Injectable } from '@nestjs/common';
import type { ListedTenant } from '../directory/tenant-directory.js';
import { TenantRegistry } from '../directory/tenant-registry.js';
import { MigrationSet } from '../migrations/migration-set.js';
import { withTypedErrors } from '../sql/translate-error.js';
import { assertPoolSize } from './assert-pool-size.js';
import {
  checkMigratorOptions,
  checkRunOptions,
  type CheckedMigratorOptions,
  type CheckedRunOptions,
} from './check-options.js';
import type { FleetStatus, MigrationPlan, VerifyReport } from './fleet-report.js';
import { findOrphans } from './inspect/find-orphans.js';
import { fleetStatus } from './inspect/fleet-status.js';
import { migrationPlan } from './inspect/migration-plan.js';
import type { SchemaTenants } from './inspect/inspect-rows.js';
import { TenantInspector } from './inspect/tenant-inspector.js';
import { FleetDatabase } from './migrator-database.js';
import type {
  DownOptions,
  PlanOptions,
  TenantMigratorOptions,
  TenantSelection,
  UpOptions,
} from './migrator-options.js';
import type { MigrationReport } from './run-report.js';
import type { RunContext } from './run/run-context.js';
import { Scheduler } from './run/scheduler.js';
import { verifyTenants } from './inspect/verify-tenants.js';
import { distinctSchemas, selectTenants, toRings } from './select-tenants.js';
import type { TenantSchemaRef } from './tenant-schema-ref.js';

/**
 * Migrates the tables of all tenants: Prismiq's, and the host's own in the tenants' schemas. Each tenant has a transaction of its own;
 * many tenants, and many processes, work at the same time.
 *
 * @example
 * ```ts
 * const migrator = new TenantMigrator({ database: orm, directory: tenantsFromQuery('SELECT id AS "tenantId" FROM public.customers') });
 * const report = await migrator.up({ concurrency: 8, onEvent: (event) => console.log(JSON.stringify(event)) });
 * process.exitCode = report.counts.failed > 0 || report.stopped ? 1 : 0;
 * ```
 * @publicApi
 */
@Injectable()
export class TenantMigrator {
  readonly #database: FleetDatabase;
  readonly #tenants: TenantRegistry;
  readonly #options: CheckedMigratorOptions;

  /** @throws InvalidOptionsError */
  constructor(options: TenantMigratorOptions) {
    this.#options = checkMigratorOptions(options);
    const { database, directory, schemaFor } = this.#options;
    this.#database = new FleetDatabase(database);
    const source = { query: this.#database.query.bind(this.#database), schemaFor };
    this.#tenants =
      directory instanceof TenantRegistry
        ? directory
        : new TenantRegistry(typeof directory === 'function' ? directory(source) : directory, {
            schemaFor,
            isInTransaction: () => false,
            ttlMs: 0,
            negativeTtlMs: 0,
            maxEntries: 1,
            timeoutMs: 5000,
          });
  }

  /**
   * The state of all tenants. Writes nothing.
   *
   * @throws NoTenantsError, TenantSelectionError, TenantDirectoryError, ConnectionFailedError
   */
  async status(selection: TenantSelection = {}): Promise<FleetStatus> {
    const { set, tenants, schemas } = await this.prepare(selection);
    const orphans = await withTypedErrors(findOrphans(this.#database, schemas));
    return fleetStatus(new TenantInspector(this.#database, set).inspectAll(tenants), set, orphans);
  }

  /**
   * What `up`, or `down`, would do. Writes nothing.
   *
   * @throws as {@link up}
   */
  async plan(options: PlanOptions = {}): Promise<MigrationPlan> {
    const { set, tenants } = await this.prepare(options);
    return migrationPlan(new TenantInspector(this.#database, set).inspectAll(tenants), {
      database: this.#database,
      set,
      direction: options.direction ?? 'up',
      migrationsFor: migrationsFor(set, options),
      searchPath: this.#options.searchPath,
      repair: options.direction !== 'down' && options.repair === true,
    });
  }

  /**
   * Runs the migrations that tenants do not have. A tenant that fails is in the report, with what was committed before; the next run
   * continues from there.
   *
   * @throws NoTenantsError, TenantSelectionError, MigrationTargetError, TenantDirectoryError, InvalidOptionsError,
   *   ConnectionFailedError: before anything is done
   */
  async up(options: UpOptions = {}): Promise<MigrationReport> {
    const { createSchema = false, repair = false } = options;
    const permissions = { createSchema, repair, allowDataLoss: true };
    return this.run({ ...options, direction: 'up' }, checkRunOptions(options), permissions);
  }

  /**
   * Takes migrations back. Without `allowDataLoss` a tenant fails whose data would be lost.
   *
   * @throws as {@link up}
   */
  async down(options: DownOptions): Promise<MigrationReport> {
    const { allowDataLoss = false } = options;
    return this.run({ ...options, direction: 'down' }, checkRunOptions(options), {
      createSchema: false,
      repair: false,
      allowDataLoss,
    });
  }

  /**
   * Compares each tenant's tables with those of its version, and looks for rows that are not the tenant's, and for row security that
   * hides rows from the role. Writes nothing.
   *
   * @throws NoTenantsError, TenantSelectionError, TenantDirectoryError, ConnectionFailedError
   */
  async verify(selection: TenantSelection = {}): Promise<VerifyReport> {
    const { set, tenants, schemas } = await this.prepare(selection);
    const states = new TenantInspector(this.#database, set).inspectAll(tenants);
    return verifyTenants(states, schemas, this.#database);
  }

  /**
   * The tenants of a selection, as the directory describes them. Tenants that share a schema are all listed.
   *
   * @throws NoTenantsError, TenantSelectionError, TenantDirectoryError, ConnectionFailedError
   */
  async tenants(selection: TenantSelection = {}): Promise<ListedTenant[]> {
    return withTypedErrors(collect(selectTenants(this.#tenants.list(), selection)));
  }

  /** One after the other, so that nothing is still running when one of them fails. */
  private async prepare(selection: TenantSelection): Promise<Prepared> {
    const isCitus = await withTypedErrors(this.#database.isCitus());
    const set = await withTypedErrors(MigrationSet.load(this.#options.migrations));
    const schemas = new Map<string, string[]>();
    const tenants = await withTypedErrors(distinctSchemas(selectTenants(this.#tenants.list(), selection, schemas)));
    return { set, tenants, schemas, isCitus };
  }

  private async run(
    options: PlanOptions,
    { concurrency, onError, maxFailures, waitForOthersMs, betweenRings, signal, onEvent }: CheckedRunOptions,
    permissions: Pick<RunContext, 'createSchema' | 'repair' | 'allowDataLoss'>,
  ): Promise<MigrationReport> {
    const { lockTimeoutMs, statementTimeoutMs, searchPath, retries, rings } = this.#options;
    await assertPoolSize(this.#options.database, concurrency);
    const { set, tenants, isCitus } = await this.prepare(options);
    const context: RunContext = {
      database: this.#database,
      set,
      inspector: new TenantInspector(this.#database, set),
      settings: { lockTimeoutMs, statementTimeoutMs, searchPath, parameters: this.parameters(isCitus) },
      direction: options.direction ?? 'up',
      migrationsFor: migrationsFor(set, options),
      ...permissions,
      retries,
      waitForOthersMs,
      isCitus,
      signal,
      emit: onEvent,
      sendsItself: new Set(),
      oneAtATime: queue(),
    };
    const settings = { concurrency, maxFailures: onError === 'stop' ? 1 : maxFailures, betweenRings };
    return new Scheduler(context, settings).run(toRings(tenants, rings));
  }

  private parameters(isCitus: boolean): Record<string, string> {
    const { citusSchemaBasedSharding } = this.#options;
    return isCitus && citusSchemaBasedSharding !== undefined
      ? { 'citus.enable_schema_based_sharding': citusSchemaBasedSharding ? 'on' : 'off' }
      : {};
  }
}

/** What each call begins with. */
interface Prepared {
  readonly set: MigrationSet;
  readonly tenants: readonly TenantSchemaRef[];
  /** The tenants of all schemas, also of those that are not selected. */
  readonly schemas: SchemaTenants;
  readonly isCitus: boolean;
}

function migrationsFor(set: MigrationSet, options: PlanOptions): RunContext['migrationsFor'] {
  if (options.direction === 'down') {
    const migrations = set.downFrom(options);
    return ({ present }) => migrations(present);
  }
  const isWanted = set.upTo(options);
  return ({ pending }) => pending.filter(isWanted);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

/** Runs one piece of work at a time. */
function queue(): RunContext['oneAtATime'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  };
}
