import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from '@mikro-orm/postgresql';
import { MigrationRefusedError, TenantLockedError } from '../../errors/migration.errors.js';
import { SchemaMismatchError, SchemaNotFoundError } from '../../errors/schema.errors.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { runConcurrently } from './concurrent-index-build.js';
import { isTransient, sqlStateOf } from '../../sql/transient-error.js';
import { toFailure } from './failure.js';
import {
  concernsPrismiq,
  prepare,
  type MigrationScope,
  type PreparedMigration,
} from '../../migrations/migration-statements.js';
import type { TenantResult, TenantVersion } from '../migrator.types.js';
import { assertNothingUnknown, nextStep, type Step } from './next-step.js';
import type { RunContext, TenantSchemaRef } from './run-context.js';
import { isChanged, isLocked, readSnapshots, type TenantSnapshot } from '../inspect/tenant-snapshot.js';
import { standingOf, type TenantMigrationState } from '../inspect/tenant-standing.js';
import { TenantTransaction } from './tenant-transaction.js';

/** How often a tenant is looked at anew because somebody else is at work on it. */
const MAX_CHANGES = 10;

const BACKOFF_MS = 100;

/** Takes one tenant where it should be: each attempt begins with what is there. */
export class TenantRun {
  #attempts = 1;
  #changes = 0;
  #oneByOne: boolean;
  #from: TenantVersion | undefined;
  #to: TenantVersion | undefined;
  #hasStarted = false;
  #hasBaselined = false;
  readonly #done: string[] = [];
  #lockedSince: number | undefined;
  #workMs = 0;

  constructor(
    readonly unit: TenantSchemaRef,
    private readonly context: RunContext,
    private snapshot: TenantSnapshot | undefined,
  ) {
    this.#oneByOne = context.isCitus;
  }

  /** @returns nothing if somebody else is at work on the tenant: its turn comes again */
  async run(): Promise<TenantResult | undefined> {
    const started = performance.now();
    try {
      while (!(await this.advance())) {
        // Until there is nothing left to do.
      }
      return this.result(started);
    } catch (error) {
      if (!isLocked(error)) {
        return this.result(started, error);
      }
      const { lockTimeoutMs } = this.context.settings;
      this.#lockedSince ??= performance.now();
      if (performance.now() - this.#lockedSince < lockTimeoutMs * (this.context.retries + 1)) {
        this.snapshot = undefined;
        return undefined;
      }
      return this.result(started, new TenantLockedError({ schema: this.unit.schema, cause: error }));
    } finally {
      this.#workMs += performance.now() - started;
    }
  }

  get isAssumed(): boolean {
    return this.snapshot?.isAssumed === true;
  }

  /** @returns whether the tenant is where it should be */
  private async advance(): Promise<boolean> {
    try {
      return await this.attempt();
    } catch (error) {
      const wasAssumed = this.isAssumed;
      this.snapshot = undefined;
      if (isLocked(error)) {
        throw error;
      }
      if (wasAssumed && sqlStateOf(error) !== undefined && !isTransient(error)) {
        this.#from = undefined;
        this.context.doubt();
        return false;
      }
      if (isAnothersWork(error) && this.#changes < MAX_CHANGES) {
        this.#changes += 1;
        return false;
      }
      if (isTransient(error)) {
        if (this.#attempts <= this.context.retries && !this.context.signal.aborted) {
          await this.pause(error);
          return false;
        }
      } else if (!this.#oneByOne && sqlStateOf(error) !== undefined) {
        // Sent as one text, nobody knows which statement has failed. One by one, it has a name.
        this.#oneByOne = true;
        return false;
      }
      throw error;
    }
  }

  private async pause(error: unknown): Promise<void> {
    const { tenantId, schema } = this.unit;
    const waitMs = Math.round(BACKOFF_MS * 2 ** (this.#attempts - 1) * (0.5 + Math.random()));
    const { sqlState, message } = toFailure(error, schema);
    this.context.emit({ type: 'tenant-retry', tenantId, schema, attempt: this.#attempts, waitMs, sqlState, message });
    this.#attempts += 1;
    // The last attempt tells which statement it was.
    this.#oneByOne ||= this.#attempts > this.context.retries;
    await pauseFor(waitMs, this.context.signal);
  }

  private async attempt(): Promise<boolean> {
    const { database, set, judge } = this.context;
    const { schema } = this.unit;
    this.snapshot ??= (await readSnapshots(database, set, judge, [schema])).get(schema)!;
    const standing = standingOf(this.snapshot, set);
    this.#from ??= standing.version;
    this.#to = standing.version;
    const step = nextStep(standing, this.context);
    if (step === undefined) {
      if (standing.differences.length > 0) {
        throw new SchemaMismatchError(standing.differences, { schema });
      }
      return true;
    }
    if (this.context.direction === 'down') {
      assertNothingUnknown(standing, step.migrations[0]!.source);
    }
    await this.take(step, standing, this.snapshot);
    this.snapshot = undefined;
    return step.isLast;
  }

  private async take(step: Step, standing: TenantMigrationState, snapshot: TenantSnapshot): Promise<void> {
    const { database, set, direction } = this.context;
    const { tenantId, schema } = this.unit;
    if (!snapshot.schemaExists && !this.context.createSchema) {
      throw new SchemaNotFoundError({ schema });
    }
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      const pending = step.migrations.map(({ label }) => label);
      this.context.emit({ type: 'tenant-started', tenantId, schema, pending });
    }
    const present = new Set(standing.present);
    step.migrations.forEach(({ label }) => (direction === 'up' ? present.add(label) : present.delete(label)));
    const { sendsItself } = this.context;
    const prepared = await Promise.all(step.migrations.map((migration) => prepare(migration, this.scope, sendsItself)));
    const concernsTables = step.unrecorded.length > 0 || prepared.some(concernsPrismiq);
    if (!concernsTables && standing.differences.length > 0) {
      throw new SchemaMismatchError(standing.differences, { schema });
    }
    const work = async (sql: SqlExecutor, context?: Transaction): Promise<void> => {
      const tenant = new TenantTransaction(sql, context, this.scope, this.#oneByOne);
      await this.apply(step, prepared, tenant, snapshot);
      if (concernsTables) {
        await tenant.flush();
        await tenant.verify(present, set, this.context.judge);
      }
      await tenant.commit();
    };
    if (!step.isTransactional) {
      await this.context.concurrently(() => database.connection(work));
    } else if (prepared.some(({ statements }) => statements === undefined)) {
      await database.transaction((transaction) => work(transaction, transaction.context));
    } else {
      await database.connection(work);
    }
    this.#hasBaselined ||= step.unrecorded.length > 0;
    this.#done.push(...step.migrations.map(({ label }) => label));
    this.#to = set.versionOf(present);
  }

  private async apply(
    step: Step,
    prepared: readonly PreparedMigration[],
    tenant: TenantTransaction,
    snapshot: TenantSnapshot,
  ): Promise<void> {
    const { database, set, settings, direction } = this.context;
    const concerned = new Set([...step.unrecorded, ...step.migrations].map(({ source }) => source));
    const sources = set.sources.filter(({ name }) => concerned.has(name));
    tenant.begin(snapshot, sources, settings);
    if (!snapshot.schemaExists) {
      tenant.createSchema();
    }
    sources
      .filter(({ name }) => !snapshot.histories.has(name))
      .forEach(({ historyTable }) => tenant.createHistory(historyTable));
    step.unrecorded.forEach((migration) => tenant.record(migration));
    for (const { migration, statements } of prepared) {
      if (step.isTransactional) {
        await tenant.run({ migration, statements });
      } else if (statements === undefined) {
        throw new MigrationRefusedError(
          migration.label,
          'it is not transactional, and sends statements by itself; give them to addSql',
          { schema: this.unit.schema },
        );
      } else {
        await tenant.flush();
        await runConcurrently(database, migration, statements, this.unit.schema, settings.lockTimeoutMs);
      }
      if (direction === 'up') {
        tenant.record(migration);
      } else {
        tenant.unrecord(migration);
      }
    }
  }

  private get scope(): MigrationScope {
    const { database, direction, allowDataLoss } = this.context;
    return { orm: database.orm, schema: this.unit.schema, direction, allowDataLoss, namesSchema: true };
  }

  private result(started: number, error?: unknown): TenantResult {
    const failure = error === undefined ? undefined : toFailure(error, this.unit.schema);
    const from = this.#from ?? this.context.set.versionOf(new Set());
    return {
      ...this.unit,
      state: failure !== undefined ? 'failed' : this.stateOfSuccess(),
      from,
      to: this.#to ?? from,
      migrations: this.#done,
      durationMs: Math.round(this.#workMs + performance.now() - started),
      attempts: this.#attempts,
      ...(failure === undefined ? {} : { code: failure.code, sqlState: failure.sqlState, message: failure.message }),
    };
  }

  private stateOfSuccess(): TenantResult['state'] {
    if (this.#done.length > 0) {
      return this.context.direction === 'up' ? 'migrated' : 'reverted';
    }
    return this.#hasBaselined ? 'baselined' : 'unchanged';
  }
}

/** Shorter if the run is aborted. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted.
  }
}

/** The history or the schema is not what it was a moment ago. */
const isAnothersWork = (error: unknown): boolean => isChanged(error) || sqlStateOf(error) === '42P06';
