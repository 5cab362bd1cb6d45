import { Injectable } from '@nestjs/common';
import { defaultSchemaFor } from '../directory/schema-for.js';
import type { TenantRecord } from '../directory/tenant-directory.js';
import { TenantRegistry } from '../directory/tenant-registry.js';
import { tenantsFromCatalog } from '../directory/tenants-from-catalog.js';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { translateError } from '../sql/translate-error.js';
import { CatalogComparer } from './inspect/catalog-comparer.js';
import { FleetDatabase } from './migrator-database.js';
import { FleetRun } from './run/scheduler.js';
import { fleetStatus, findOrphans, lookAt } from './inspect/fleet-status.js';
import { migrationPlan } from './inspect/migration-plan.js';
import { MigrationSet } from '../migrations/migration-set.js';
import { prismiqMigrations } from '../migrations/migration-source.js';
import type {
  DownOptions,
  FleetStatus,
  MigrationPlan,
  MigrationReport,
  PlanOptions,
  RunOptions,
  TenantFinding,
  TenantMigratorOptions,
  TenantSelection,
  UpOptions,
  VerifyReport,
} from './migrator.types.js';
import type { RunContext, TenantSchemaRef } from './run/run-context.js';
import { ringsOf, selectTenants, unitsOf } from './select-tenants.js';
import { troubleOf } from './inspect/tenant-trouble.js';

/**
 * Takes the tables of all tenants to the version that the software needs: Prismiq's, and the host's own in the tenants' schemas.
 * Each tenant in one transaction, many tenants at once, any number of processes at once.
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
  readonly #options: Required<
    Omit<TenantMigratorOptions, 'database' | 'directory' | 'schemaFor' | 'citusSchemaBasedSharding'>
  > &
    Pick<TenantMigratorOptions, 'citusSchemaBasedSharding'>;

  /** @throws InvalidOptionsError */
  constructor(options: TenantMigratorOptions) {
    const { database, directory = tenantsFromCatalog(), schemaFor = defaultSchemaFor } = options;
    if (typeof database !== 'object' || database === null || !('em' in database || 'totalCount' in database)) {
      throw invalid('database', 'must be a MikroORM instance or a pg Pool: a single client has but one connection');
    }
    this.#options = {
      migrations: options.migrations ?? [prismiqMigrations()],
      rings: options.rings ?? [],
      searchPath: options.searchPath ?? [],
      lockTimeoutMs: wholeNumber('lockTimeoutMs', options.lockTimeoutMs ?? 3000, 1),
      statementTimeoutMs: wholeNumber('statementTimeoutMs', options.statementTimeoutMs ?? 300_000, 0),
      retries: wholeNumber('retries', options.retries ?? 3, 0),
      citusSchemaBasedSharding: options.citusSchemaBasedSharding,
    };
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
   * Where all tenants stand. Writes nothing.
   *
   * @throws TenantSelectionError, TenantDirectoryError, ConnectionFailedError
   */
  async status(selection: TenantSelection = {}): Promise<FleetStatus> {
    const { set, units, schemas } = await this.prepare(selection);
    const orphans = await findOrphans(this.#database, schemas);
    return fleetStatus(lookAt(units, this.#database, set, new CatalogComparer()), set, orphans);
  }

  /**
   * What `up`, or `down`, would do. Writes nothing.
   *
   * @throws as {@link up}
   */
  async plan(options: PlanOptions = {}): Promise<MigrationPlan> {
    const { set, units } = await this.prepare(options);
    return migrationPlan(lookAt(units, this.#database, set, new CatalogComparer()), {
      database: this.#database,
      set,
      direction: options.direction ?? 'up',
      migrationsFor: migrationsFor(set, options),
      searchPath: this.#options.searchPath,
    });
  }

  /**
   * Runs the migrations that tenants do not have. A tenant that fails stays where it was, and is in the report; to run again takes
   * up what is left.
   *
   * @throws TenantSelectionError, MigrationTargetError, TenantDirectoryError, InvalidOptionsError: before anything is done
   */
  async up(options: UpOptions = {}): Promise<MigrationReport> {
    return this.run(
      { ...options, direction: 'up' },
      { createSchema: options.createSchema ?? false, allowDataLoss: true },
    );
  }

  /**
   * Takes migrations back. Without `allowDataLoss` a tenant fails whose data would be lost.
   *
   * @throws as {@link up}
   */
  async down(options: DownOptions): Promise<MigrationReport> {
    return this.run(
      { ...options, direction: 'down' },
      { createSchema: false, allowDataLoss: options.allowDataLoss ?? false },
    );
  }

  /**
   * Compares each tenant's tables with what its version has. Writes nothing.
   *
   * @throws TenantSelectionError, TenantDirectoryError, ConnectionFailedError
   */
  async verify(selection: TenantSelection = {}): Promise<VerifyReport> {
    const { set, units } = await this.prepare(selection);
    const findings: TenantFinding[] = [];
    for await (const sight of lookAt(units, this.#database, set, new CatalogComparer())) {
      const trouble = troubleOf(sight, set);
      if (trouble !== undefined) {
        findings.push(trouble.finding);
      }
    }
    return { total: units.length, findings };
  }

  /**
   * The tenants that a selection means, with all that the directory knows of them. Those that share a schema all count.
   *
   * @throws TenantSelectionError, TenantDirectoryError, ConnectionFailedError
   */
  async tenants(selection: TenantSelection = {}): Promise<TenantRecord[]> {
    try {
      const selected: TenantRecord[] = [];
      for await (const tenant of selectTenants(this.#tenants.list(), selection)) {
        selected.push(tenant);
      }
      return selected;
    } catch (error) {
      throw translateError(error, {});
    }
  }

  /** One after the other, so that nothing is under way any more when one of them fails. */
  private async prepare(selection: TenantSelection): Promise<Prepared> {
    try {
      const set = await MigrationSet.load(this.#options.migrations);
      const schemas = new Set<string>();
      const units = await unitsOf(selectTenants(this.#tenants.list(), selection, schemas));
      return { set, units, schemas, isCitus: await this.#database.isCitus() };
    } catch (error) {
      throw translateError(error, {});
    }
  }

  private async run(
    options: PlanOptions & RunOptions,
    permissions: Pick<RunContext, 'createSchema' | 'allowDataLoss'>,
  ): Promise<MigrationReport> {
    const { lockTimeoutMs, statementTimeoutMs, searchPath, retries, rings } = this.#options;
    const { signal = new AbortController().signal, onEvent = () => undefined, betweenRings } = options;
    const settings = {
      concurrency: wholeNumber('concurrency', options.concurrency ?? 4, 1),
      maxFailures: maxFailuresOf(options),
      betweenRings,
    };
    const { set, units, isCitus } = await this.prepare(options);
    const context: Omit<RunContext, 'doubt'> = {
      database: this.#database,
      set,
      judge: new CatalogComparer(),
      settings: { lockTimeoutMs, statementTimeoutMs, searchPath, parameters: this.parameters(isCitus) },
      direction: options.direction ?? 'up',
      migrationsFor: migrationsFor(set, options),
      ...permissions,
      retries,
      isCitus,
      signal,
      emit: onEvent,
      sendsItself: new Set(),
      concurrently: oneAtATime(),
    };
    return new FleetRun(context, settings).run(ringsOf(units, rings));
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
  readonly units: readonly TenantSchemaRef[];
  /** Of all tenants, also of those that are not selected. */
  readonly schemas: ReadonlySet<string>;
  readonly isCitus: boolean;
}

function migrationsFor(set: MigrationSet, options: PlanOptions): RunContext['migrationsFor'] {
  if (options.direction === 'down') {
    const migrations = set.downFrom(options);
    return ({ present }) => migrations(present);
  }
  const isMeant = set.upTo(options);
  return ({ pending }) => pending.filter(isMeant);
}

function maxFailuresOf({ onError = 'stop', maxFailures = Infinity }: RunOptions): number {
  if (onError !== 'stop' && onError !== 'continue') {
    throw invalid('onError', 'must be "stop" or "continue"');
  }
  return onError === 'stop' ? 1 : maxFailures === Infinity ? Infinity : wholeNumber('maxFailures', maxFailures, 1);
}

function wholeNumber(option: string, value: number, min: number): number {
  if (!Number.isInteger(value) || value < min) {
    throw invalid(option, `must be a whole number from ${min}`);
  }
  return value;
}

const invalid = (option: string, problem: string): InvalidOptionsError =>
  new InvalidOptionsError(option, problem, {}, 'TenantMigrator');

function oneAtATime(): RunContext['concurrently'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  };
}
