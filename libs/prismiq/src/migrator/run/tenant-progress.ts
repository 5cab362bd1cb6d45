import type { TenantVersion } from '../../migrations/migration-target.js';
import type { TenantResult, TenantResultState } from '../run-report.js';
import type { TenantSchemaRef } from '../tenant-schema-ref.js';
import type { Step } from './next-step.js';

/** The progress of a run in one tenant. */
export class TenantProgress {
  attempts = 1;
  /** The version that was last read or asserted; empty if unknown. */
  version: TenantVersion = {};
  /** The migrations that are left, as `source:name`. */
  remaining: readonly string[] = [];
  readonly #committed: string[] = [];
  readonly #repairs: string[] = [];
  #from: TenantVersion | undefined;
  #hasBaselined = false;
  #startedAt: number | undefined;

  constructor(
    private readonly tenant: TenantSchemaRef,
    private readonly direction: 'up' | 'down',
  ) {}

  start(): void {
    this.#startedAt ??= performance.now();
  }

  get hasCommitted(): boolean {
    return this.#committed.length > 0;
  }

  includes(label: string): boolean {
    return this.#committed.includes(label);
  }

  /** @param from the version before the step */
  commit({ repairs, unrecorded, migrations }: Step, from: TenantVersion): void {
    const labels = migrations.map(({ label }) => label);
    this.#from ??= from;
    this.#hasBaselined ||= unrecorded.length > 0;
    this.#repairs.push(...repairs);
    this.#committed.push(...labels);
    this.remaining = this.remaining.filter((label) => !labels.includes(label));
  }

  result(state: TenantResultState): TenantResult {
    const { tenantId, schema, ring } = this.tenant;
    return {
      tenantId,
      schema,
      ring,
      state,
      from: this.#from ?? this.version,
      to: this.version,
      migrations: this.#committed,
      repairs: this.#repairs,
      remaining: this.remaining,
      durationMs: this.#startedAt === undefined ? 0 : Math.round(performance.now() - this.#startedAt),
      attempts: this.attempts,
    };
  }

  get successState(): TenantResultState {
    if (this.hasCommitted) {
      return this.direction === 'up' ? 'migrated' : 'reverted';
    }
    if (this.#repairs.length > 0) {
      return 'repaired';
    }
    return this.#hasBaselined ? 'baselined' : 'unchanged';
  }
}
