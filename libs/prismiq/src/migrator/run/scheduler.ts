import { CHUNK_SIZE, PARALLEL_CHUNKS } from '../inspect/tenant-inspector.js';
import { isReadable, type TenantMigrationState } from '../inspect/tenant-migration-state.js';
import type { RunOptions } from '../migrator-options.js';
import type { MigrationReport, ResultCounts, RingReport, StopReason, TenantResult } from '../run-report.js';
import type { Ring, TenantSchemaRef } from '../tenant-schema-ref.js';
import { nextStep } from './next-step.js';
import { pause } from './pause.js';
import type { RunContext } from './run-context.js';
import { TenantRun } from './tenant-run.js';

/** How long to leave a tenant alone that another session works on: the first time, and at most. */
const LOCKED_PAUSE_MS = { first: 50, max: 1000 };

interface Waiting {
  readonly run: TenantRun;
  readonly pauseMs: number;
  readonly due: number;
}

type Settings = Required<Pick<RunOptions, 'concurrency' | 'maxFailures'>> & Pick<RunOptions, 'betweenRings'>;

const NO_RESULTS: ResultCounts = {
  migrated: 0,
  reverted: 0,
  repaired: 0,
  baselined: 0,
  unchanged: 0,
  interrupted: 0,
  failed: 0,
  skipped: 0,
};

/** A run over many tenants, ring by ring. */
export class Scheduler {
  readonly #started = performance.now();
  readonly #failures: TenantResult[] = [];
  #counts = { ...NO_RESULTS };
  #stopped: StopReason | undefined;
  /** What `onEvent` has thrown. */
  #listenerError: { error: unknown } | undefined;
  private readonly context: RunContext;

  constructor(
    context: RunContext,
    private readonly settings: Settings,
  ) {
    const emit: RunContext['emit'] = (event) => {
      try {
        context.emit(event);
      } catch (error) {
        this.#listenerError ??= { error };
      }
    };
    this.context = { ...context, emit };
  }

  async run(rings: readonly Ring[]): Promise<MigrationReport> {
    const { direction } = this.context;
    const total = rings.reduce((sum, { tenants }) => sum + tenants.length, 0);
    this.context.emit({ type: 'run-started', direction, total });
    for (const [index, ring] of rings.entries()) {
      if (this.isOver()) {
        break;
      }
      const report = await this.runRing(ring);
      if (!this.isOver() && index < rings.length - 1) {
        await this.pauseAfter(report);
      }
    }
    const skipped = total - sumCounts(this.#counts);
    const report = {
      direction,
      total,
      counts: { ...this.#counts, skipped },
      failures: this.#failures,
      durationMs: Math.round(performance.now() - this.#started),
      stopped: skipped + this.#counts.interrupted > 0 ? this.#stopped : undefined,
    };
    this.context.emit({ type: 'run-finished', report });
    if (this.#listenerError !== undefined) {
      throw this.#listenerError.error;
    }
    return report;
  }

  private async runRing({ ring, tenants }: Ring): Promise<RingReport> {
    const total = tenants.length;
    this.context.emit({ type: 'ring-started', ring, total });
    const before = { ...this.#counts };
    await this.work(tenants);
    const entries = Object.entries(this.#counts).map(([state, count]) => [
      state,
      count - before[state as keyof ResultCounts],
    ]);
    const counts = Object.fromEntries(entries) as Record<keyof ResultCounts, number>;
    const report = { ring, total, counts: { ...counts, skipped: total - sumCounts(counts) } };
    this.context.emit({ type: 'ring-finished', ...report });
    return report;
  }

  /** No ring is started after one in which a tenant failed, or if the host's check refuses it. */
  private async pauseAfter(report: RingReport): Promise<void> {
    const name = report.ring ?? 'without a name';
    if (report.counts.failed > 0) {
      this.stop(
        'failure',
        `${report.counts.failed} of ${report.total} tenants of ring ${name} failed; the next ring was not started.`,
      );
      return;
    }
    try {
      if ((await this.settings.betweenRings?.(report)) === false) {
        this.stop('check', `The check after ring ${name} refused to continue.`);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.stop('check', `The check after ring ${name} failed: ${reason}`);
    }
  }

  /** Each worker takes a tenant that is ready, or inspects the next chunk: tenants that are up to date take no worker's time. */
  private async work(tenants: readonly TenantSchemaRef[]): Promise<void> {
    const uninspected = [...tenants];
    const chunkSize = Math.max(1, Math.min(CHUNK_SIZE, Math.ceil(tenants.length / PARALLEL_CHUNKS)));
    const ready: TenantRun[] = [];
    const waiting: Waiting[] = [];
    const inspecting = new Set<Promise<void>>();
    const worker = async (): Promise<void> => {
      while (!this.isOver()) {
        const next = waiting.findIndex(({ due }) => due <= performance.now());
        if (next !== -1) {
          const [{ run, pauseMs }] = waiting.splice(next, 1) as [Waiting];
          await this.take(run, waiting, Math.min(pauseMs * 2, LOCKED_PAUSE_MS.max));
        } else if (ready.length > 0) {
          await this.take(ready.shift()!, waiting, LOCKED_PAUSE_MS.first);
        } else if (uninspected.length > 0 && inspecting.size < PARALLEL_CHUNKS) {
          const inspection = this.inspect(uninspected.splice(0, chunkSize), ready).finally(() =>
            inspecting.delete(inspection),
          );
          inspecting.add(inspection);
          await inspection;
        } else if (inspecting.size > 0) {
          await Promise.race(inspecting);
        } else if (waiting.length > 0) {
          const due = Math.min(...waiting.map((one) => one.due));
          await pause(due - performance.now(), this.context.signal);
        } else {
          break;
        }
      }
    };
    await Promise.all(Array.from({ length: this.settings.concurrency }, worker));
    waiting.forEach(({ run }) => this.finish(run.interrupt()));
  }

  private async take(run: TenantRun, waiting: Waiting[], pauseMs: number): Promise<void> {
    const result = await run.run();
    if (result === undefined) {
      waiting.push({ run, pauseMs, due: performance.now() + pauseMs * (0.5 + Math.random()) });
    }
    this.finish(result);
  }

  /** Finds the tenants for which there is something to do. */
  private async inspect(tenants: readonly TenantSchemaRef[], ready: TenantRun[]): Promise<void> {
    let states: TenantMigrationState[];
    try {
      states = await this.context.inspector.inspect(tenants);
    } catch {
      // There is no connection. Each tenant is inspected in its turn, which tries again.
      ready.push(...tenants.map((tenant) => new TenantRun(tenant, this.context)));
      return;
    }
    for (const state of states) {
      if (!isReadable(state)) {
        ready.push(new TenantRun(state.tenant, this.context));
      } else if (this.isUpToDate(state)) {
        this.finish(unchanged(state));
      } else {
        ready.push(new TenantRun(state.tenant, this.context, state));
      }
    }
  }

  private isUpToDate(state: TenantMigrationState): boolean {
    const { migrationsFor, direction } = this.context;
    return state.differences.length === 0 && nextStep(state, migrationsFor(state), direction, []) === undefined;
  }

  private finish(result: TenantResult | undefined): void {
    if (result === undefined) {
      return;
    }
    this.#counts = { ...this.#counts, [result.state]: this.#counts[result.state] + 1 };
    this.context.emit({ type: 'tenant-finished', result });
    if (result.state === 'failed') {
      this.#failures.push(result);
      const { maxFailures } = this.settings;
      if (this.#failures.length >= maxFailures) {
        this.stop(
          'failure',
          `${maxFailures > 1 ? `${maxFailures} tenants failed, the last of them` : 'Failed:'} "${result.tenantId}".`,
        );
      }
    }
  }

  private isOver(): boolean {
    if (this.context.signal.aborted) {
      this.stop('aborted', 'The run was aborted; tenants in progress were finished.');
    }
    return this.#stopped !== undefined || this.#listenerError !== undefined;
  }

  private stop(reason: StopReason['reason'], message: string): void {
    this.#stopped ??= { reason, message };
  }
}

const unchanged = ({ tenant, version }: TenantMigrationState): TenantResult => ({
  tenantId: tenant.tenantId,
  schema: tenant.schema,
  ring: tenant.ring,
  state: 'unchanged',
  from: version,
  to: version,
  migrations: [],
  repairs: [],
  remaining: [],
  durationMs: 0,
  attempts: 1,
});

const sumCounts = (counts: ResultCounts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
