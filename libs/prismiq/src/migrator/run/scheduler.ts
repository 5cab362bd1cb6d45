import { setTimeout as sleep } from 'node:timers/promises';
import type {
  MigrationReport,
  ResultCounts,
  RingReport,
  RunOptions,
  StopReason,
  TenantResult,
} from '../migrator.types.js';
import { nextStep } from './next-step.js';
import type { RunContext, TenantSchemaRef } from './run-context.js';
import { TenantRun } from './tenant-run.js';
import { TenantScout } from './tenant-scout.js';
import { standingOf } from '../inspect/tenant-standing.js';

/** Schemas that are looked at in one pass, and how many passes at once: PostgreSQL is quicker with few connections that know the catalog. */
export const CHUNK = 500;
export const LOOKS = 2;

/** Tenants that are looked at first, to find out how the others may be. */
const PROBE = 20;

/** How long a tenant that somebody else is at work on is left alone. */
const LOCKED_PAUSE_MS = 50;

/** The tenants of one ring. */
export interface Ring {
  readonly ring: string | undefined;
  readonly units: readonly TenantSchemaRef[];
}

interface Waiting {
  readonly run: TenantRun;
  readonly due: number;
}

type Settings = Required<Pick<RunOptions, 'concurrency' | 'maxFailures'>> & Pick<RunOptions, 'betweenRings'>;

const NOBODY: ResultCounts = { migrated: 0, reverted: 0, baselined: 0, unchanged: 0, failed: 0, skipped: 0 };

/** A run over many tenants, ring by ring. */
export class FleetRun {
  readonly #started = performance.now();
  readonly #failures: TenantResult[] = [];
  #counts = { ...NOBODY };
  #stopped: StopReason | undefined;
  #hasProbed = false;
  /** What `onEvent` has thrown. */
  #broken: { error: unknown } | undefined;

  private readonly context: RunContext;
  readonly #scout: TenantScout;

  constructor(
    context: Omit<RunContext, 'doubt'>,
    private readonly settings: Settings,
  ) {
    const emit: RunContext['emit'] = (event) => {
      try {
        context.emit(event);
      } catch (error) {
        this.#broken ??= { error };
      }
    };
    this.#scout = new TenantScout(context);
    this.context = { ...context, emit, doubt: () => this.#scout.doubt() };
  }

  async run(rings: readonly Ring[]): Promise<MigrationReport> {
    const { direction } = this.context;
    const total = rings.reduce((sum, { units }) => sum + units.length, 0);
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
    const skipped = total - Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    const report = {
      direction,
      total,
      counts: { ...this.#counts, skipped },
      failures: this.#failures,
      durationMs: Math.round(performance.now() - this.#started),
      stopped: skipped > 0 ? this.#stopped : undefined,
    };
    this.context.emit({ type: 'run-finished', report });
    if (this.#broken !== undefined) {
      throw this.#broken.error;
    }
    return report;
  }

  private async runRing({ ring, units }: Ring): Promise<RingReport> {
    const total = units.length;
    this.context.emit({ type: 'ring-started', ring, total });
    const before = { ...this.#counts };
    await this.work(units);
    const entries = Object.entries(this.#counts).map(([state, count]) => [
      state,
      count - before[state as keyof ResultCounts],
    ]);
    const counts = Object.fromEntries(entries) as Record<keyof ResultCounts, number>;
    const report = { ring, total, counts: { ...counts, skipped: total - sumOf(counts) } };
    this.context.emit({ type: 'ring-finished', ...report });
    return report;
  }

  /** A ring in which one has failed is the last; so is one after which the host says no. */
  private async pauseAfter(report: RingReport): Promise<void> {
    const name = report.ring ?? 'without a name';
    if (report.counts.failed > 0) {
      this.stop(
        'failure',
        `${report.counts.failed} of ${report.total} tenants of ring ${name} failed; the next ring was not begun.`,
      );
      return;
    }
    try {
      if ((await this.settings.betweenRings?.(report)) === false) {
        this.stop('check', `The check after ring ${name} said no.`);
      }
    } catch (error) {
      this.stop(
        'check',
        `The check after ring ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Each worker takes a tenant, or looks at the next ones where none is left; so those up to date cost nobody's turn. */
  private async work(units: readonly TenantSchemaRef[]): Promise<void> {
    const { concurrency } = this.settings;
    const unseen = [...units];
    const size = Math.max(1, Math.min(CHUNK, Math.ceil(units.length / LOOKS)));
    const ready: TenantRun[] = [];
    const waiting: Waiting[] = [];
    const looking = new Set<Promise<void>>();
    const worker = async (): Promise<void> => {
      while (!this.isOver()) {
        const due = waiting[0] !== undefined && waiting[0].due <= performance.now() ? waiting.shift()!.run : undefined;
        const run = due ?? ready.shift();
        if (run?.isAssumed === true && !this.#scout.isTrusting) {
          unseen.push(run.unit);
        } else if (run !== undefined) {
          await this.take(run, waiting);
        } else if (unseen.length > 0 && looking.size < (this.#hasProbed ? LOOKS : 1)) {
          const look = this.look(unseen.splice(0, this.#hasProbed ? size : PROBE), ready).finally(() =>
            looking.delete(look),
          );
          looking.add(look);
          await look;
        } else if (looking.size > 0) {
          await Promise.race(looking);
        } else if (waiting.length > 0) {
          await sleep(Math.max(1, waiting[0]!.due - performance.now()));
        } else {
          break;
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  }

  private async take(run: TenantRun, waiting: Waiting[]): Promise<void> {
    const result = await run.run();
    if (result === undefined) {
      waiting.push({ run, due: performance.now() + LOCKED_PAUSE_MS * (0.5 + Math.random()) });
    } else {
      this.finish(result);
    }
  }

  /** Finds those that there is something to do for. */
  private async look(units: readonly TenantSchemaRef[], ready: TenantRun[]): Promise<void> {
    const { set } = this.context;
    // One history that cannot be read fails the look at all; the tenants are looked at one by one then.
    const snapshots = await this.#scout.look(units.map(({ schema }) => schema)).catch(() => undefined);
    this.#hasProbed = true;
    for (const unit of units) {
      const snapshot = snapshots?.get(unit.schema);
      const standing = snapshot === undefined ? undefined : standingOf(snapshot, set);
      if (standing?.differences.length === 0 && nextStep(standing, this.context) === undefined) {
        const { version } = standing;
        this.finish({
          ...unit,
          state: 'unchanged',
          from: version,
          to: version,
          migrations: [],
          durationMs: 0,
          attempts: 1,
        });
      } else {
        ready.push(new TenantRun(unit, this.context, snapshot));
      }
    }
  }

  private finish(result: TenantResult): void {
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
      this.stop('aborted', 'The run was aborted; tenants in work were finished.');
    }
    return this.#stopped !== undefined || this.#broken !== undefined;
  }

  private stop(reason: StopReason['reason'], message: string): void {
    this.#stopped ??= { reason, message };
  }
}

const sumOf = (counts: ResultCounts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
