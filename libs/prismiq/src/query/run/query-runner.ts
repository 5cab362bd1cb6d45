import { ConnectionsBusyError } from '../../errors/query-run.errors.js';
import { borrow, type Lender } from '../../sql/borrow.js';
import { followClients } from '../../sql/cancelable-clients.js';
import { errorContext, type Tenant } from '../../tenancy/tenant.js';
import type { ReadResult } from './read-only-query.js';
import { QuerySlots, type SlotLimits } from './query-slots.js';
import { translateRunError } from './translate-run-error.js';
import { WatchedQuery, type WatchedStatement } from './watched-query.js';

/** What a run may use. */
export interface RunLimits extends SlotLimits {
  readonly resultBytes: number;
  readonly timeoutMs: number;
  readonly lockTimeoutMs: number;
}

export interface RunOptions {
  /** Further rows are cut off. */
  readonly maximumRows: number;
  /** Ends the run when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** The zone of the session. @default UTC */
  readonly timeZone?: string | undefined;
  /** Lower than that of the limits. */
  readonly timeoutMs?: number | undefined;
}

export interface RunResult extends ReadResult {
  /** From the moment that the statement had a connection. */
  readonly durationMs: number;
}

/** Runs statements that read, each in a transaction and on a connection of its own, within the limits. */
export class QueryRunner {
  readonly #slots: QuerySlots;

  constructor(
    private readonly lender: Lender,
    private readonly limits: RunLimits,
  ) {
    this.#slots = new QuerySlots(limits);
  }

  /**
   * @throws QueryTimeoutError, QueryResultTooLargeError, QueryDataError, QueryFailedError, TenantBusyError, ConnectionsBusyError,
   *   ConnectionFailedError; what the signal was aborted with
   */
  async run(tenant: Tenant, statement: WatchedStatement, options: RunOptions): Promise<RunResult> {
    const { signal, maximumRows: maxRows, timeZone = 'UTC', timeoutMs = this.limits.timeoutMs } = options;
    signal?.throwIfAborted();
    await followClients(this.lender);
    const { resultBytes: maxBytes, lockTimeoutMs } = this.limits;
    const context = errorContext(tenant);
    const query = new WatchedQuery(statement, { maxRows, maxBytes, timeoutMs, lockTimeoutMs, timeZone }, context);
    const abort = (): void => query.stop(signal!.reason as Error);
    signal?.addEventListener('abort', abort);
    let started = performance.now();
    const work = this.#slots.run(tenant, signal, () => {
      const { waitTimeoutMs } = this.limits;
      const noConnection = setTimeout(
        () => query.stop(new ConnectionsBusyError(waitTimeoutMs, context)),
        waitTimeoutMs,
      );
      return borrow(this.lender, (connection) => {
        clearTimeout(noConnection);
        started = performance.now();
        return query.runOn(connection);
      }).finally(() => clearTimeout(noConnection));
    });
    try {
      // The slot is held until the connection is given back, and nobody waits for that who has been told of the end.
      const result = await Promise.race([work, query.stopped]);
      // Taken out of what the driver may keep reachable until the next full collection.
      return { ...result, rows: result.rows.splice(0), durationMs: performance.now() - started };
    } catch (error) {
      throw translateRunError(error, tenant, performance.now() - started, timeoutMs);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
