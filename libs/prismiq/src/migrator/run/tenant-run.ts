import { TenantLockedError } from '../../errors/migration.errors.js';
import type { SourceMigration } from '../../migrations/migration-set.js';
import type { TenantVersion } from '../../migrations/migration-target.js';
import { schemaMismatch } from '../../schema/schema-mismatch.js';
import { repairStatements } from '../inspect/plan-tenant-repair.js';
import type { TenantMigrationState } from '../inspect/tenant-migration-state.js';
import type { TenantResult } from '../run-report.js';
import type { TenantSchemaRef } from '../tenant-schema-ref.js';
import { toPrismiqError } from '../to-prismiq-error.js';
import { classifyError } from './classify-error.js';
import { assertNothingNewer, isDone, nextStep, type Step } from './next-step.js';
import { pause } from './pause.js';
import { inspectUnderLock, runStep } from './run-step.js';
import type { RunContext } from './run-context.js';
import { TenantProgress } from './tenant-progress.js';

/** How often in a row an assertion may fail without a change of any history. */
const MAX_UNEXPLAINED_CHANGES = 10;

const RETRY_PAUSE_MS = 100;

/** Migrates one tenant, step by step. Each attempt begins by reading the tenant's state. */
export class TenantRun {
  readonly #progress: TenantProgress;
  #oneByOne: boolean;
  #hasStarted = false;
  /** The migrations to take back, fixed when the tenant's turn comes. */
  #toTakeBack: readonly SourceMigration[] | undefined;
  /** A step of which the connection was lost, and the version before it: it may have been committed. */
  #unconfirmed: { readonly step: Step; readonly from: TenantVersion } | undefined;
  /** The error that ends the work, once the outcome of the unconfirmed step is known. */
  #lastError: unknown;
  #seenHistories: string | undefined;
  #unexplainedChanges = 0;
  #lockedSince: number | undefined;

  constructor(
    readonly tenant: TenantSchemaRef,
    private readonly context: RunContext,
    private state?: TenantMigrationState,
  ) {
    this.#progress = new TenantProgress(tenant, context.direction);
    this.#oneByOne = context.isCitus;
  }

  /** @returns `undefined` if another session works on the tenant: its turn has to come again */
  async run(): Promise<TenantResult | undefined> {
    this.#progress.start();
    try {
      while (!(await (this.#lastError === undefined ? this.advance() : this.settle()))) {
        // Until nothing is left to do.
      }
      return this.#progress.result(this.#progress.successState);
    } catch (error) {
      return classifyError(error) === 'locked' ? this.wait(error) : this.failure(error);
    }
  }

  /** The result of a tenant whose turn does not come again; `undefined`: it has not begun. */
  interrupt(): TenantResult | undefined {
    if (this.#unconfirmed !== undefined) {
      return this.failure(new TenantLockedError({ schema: this.tenant.schema }));
    }
    return this.#hasStarted ? { ...this.#progress.result('interrupted'), message: this.howToContinue() } : undefined;
  }

  /** @returns whether nothing is left to do */
  private async advance(): Promise<boolean> {
    try {
      return await this.attempt();
    } catch (error) {
      this.state = undefined;
      switch (classifyError(error)) {
        case 'changed':
          this.#unexplainedChanges += 1;
          if (this.#unexplainedChanges > MAX_UNEXPLAINED_CHANGES) throw error;
          return false;
        case 'connection-lost':
        case 'transient':
          await this.retry(error);
          return false;
        case 'refused':
          // Sent as one text, it does not tell which statement was refused.
          if (this.#oneByOne) throw error;
          this.#oneByOne = true;
          return false;
        default:
          throw error;
      }
    }
  }

  private async attempt(): Promise<boolean> {
    const { inspector, direction, set, repair } = this.context;
    const { schema, error } = this.tenant;
    if (error !== undefined) {
      throw error;
    }
    this.state ??= await inspector.inspectOne(this.tenant);
    const { state } = this;
    this.observe(state);
    const migrations = this.remaining(state);
    this.#progress.remaining = migrations.map(({ label }) => label);
    const step = nextStep(state, migrations, direction, repair ? repairStatements(state, set) : []);
    if (step === undefined) {
      if (state.differences.length > 0) {
        throw schemaMismatch(state.differences, schema);
      }
      return true;
    }
    if (direction === 'down') {
      assertNothingNewer(state, step, set);
    }
    await this.take(step, state);
    return step.isLast;
  }

  /** Compares a state with what was known before. */
  private observe(state: TenantMigrationState): void {
    const { direction } = this.context;
    const histories = JSON.stringify([state.schemaExists, ...state.digests]);
    if (histories !== this.#seenHistories) {
      // Another process makes progress.
      this.#seenHistories = histories;
      this.#unexplainedChanges = 0;
      this.#lockedSince = undefined;
    }
    this.#progress.version = state.version;
    if (this.#unconfirmed !== undefined && isDone(this.#unconfirmed.step, state, direction)) {
      const { step, from } = this.#unconfirmed;
      this.committed(step, from);
    }
  }

  private remaining(state: TenantMigrationState): readonly SourceMigration[] {
    const { direction, migrationsFor } = this.context;
    if (direction === 'up') {
      return migrationsFor(state);
    }
    this.#toTakeBack ??= migrationsFor(state);
    return this.#toTakeBack.filter(({ label }) => state.present.has(label) && !this.#progress.includes(label));
  }

  private async take(step: Step, state: TenantMigrationState): Promise<void> {
    const { context, tenant } = this;
    const begin = (): void => {
      if (!this.#hasStarted) {
        this.#hasStarted = true;
        const { tenantId, schema } = tenant;
        context.emit({ type: 'tenant-started', tenantId, schema, pending: this.#progress.remaining });
      }
    };
    try {
      const present = await runStep(step, state, context, this.#oneByOne, begin);
      this.committed(step, state.version);
      this.#progress.version = context.set.toVersion(present);
    } catch (error) {
      if (classifyError(error) === 'connection-lost') {
        this.#unconfirmed = { step, from: state.version };
      }
      throw error;
    }
    this.state = undefined;
  }

  private committed(step: Step, from: TenantVersion): void {
    this.#unconfirmed = undefined;
    this.#lockedSince = undefined;
    this.#progress.commit(step, from);
  }

  /** Pauses before the next attempt. @throws the error if there is none */
  private async retry(error: unknown): Promise<void> {
    const { retries, signal, emit } = this.context;
    if (this.#progress.attempts > retries || signal.aborted) {
      if (this.#unconfirmed === undefined) throw error;
      this.#lastError = error;
      return;
    }
    const { tenantId, schema } = this.tenant;
    const attempt = this.#progress.attempts;
    const waitMs = Math.round(RETRY_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
    const { sqlState, message } = toPrismiqError(error, schema);
    emit({ type: 'tenant-retry', tenantId, schema, attempt, waitMs, sqlState, message });
    this.#progress.attempts += 1;
    // So that the last attempt names the statement.
    this.#oneByOne ||= this.#progress.attempts > retries;
    await pause(waitMs, signal);
  }

  /** Finds out whether the last step was committed. Once its lock is free, PostgreSQL has decided. */
  private async settle(): Promise<boolean> {
    const error = this.#lastError;
    try {
      this.observe(await inspectUnderLock(this.tenant, this.context));
    } catch (reason) {
      if (classifyError(reason) === 'locked') throw reason;
      this.#progress.version = {};
      throw error;
    }
    if (this.#unconfirmed !== undefined) {
      this.#unconfirmed = undefined;
      throw error;
    }
    this.#lastError = undefined;
    return false;
  }

  private wait(cause: unknown): TenantResult | undefined {
    const { waitForOthersMs, emit } = this.context;
    const { tenantId, schema } = this.tenant;
    this.state = undefined;
    if (this.#lockedSince === undefined) {
      this.#lockedSince = performance.now();
      const message = 'waiting for another process, which works on the tenant';
      emit({ type: 'tenant-waiting', tenantId, schema, reason: 'another-process', message });
    }
    return performance.now() - this.#lockedSince < waitForOthersMs
      ? undefined
      : this.failure(new TenantLockedError({ schema, cause }));
  }

  private failure(error: unknown): TenantResult {
    const { code, sqlState, message } = toPrismiqError(error, this.tenant.schema);
    const unknown = 'The connection was lost during the transaction; it is unknown whether it was committed.';
    const hints = [this.#unconfirmed === undefined ? undefined : unknown, this.howToContinue()];
    return {
      ...this.#progress.result('failed'),
      code,
      sqlState,
      message: [message, ...hints].filter((text) => text !== undefined).join(' '),
    };
  }

  /** Taking back a number of migrations again would take back too many. */
  private howToContinue(): string | undefined {
    const { remaining, hasCommitted } = this.#progress;
    const { set } = this.context;
    const last = this.#toTakeBack?.findLast(({ label }) => remaining.includes(label));
    if (last === undefined || !hasCommitted) {
      return undefined;
    }
    const list = set.of(last.source);
    const to = JSON.stringify(list[list.indexOf(last) - 1]?.name ?? 0);
    return `Left: ${remaining.join(', ')}. Take them back with { source: ${JSON.stringify(last.source)}, to: ${to} }.`;
  }
}
