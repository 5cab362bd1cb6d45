import { QueryResultTooLargeError, QueryTimeoutError } from '../../errors/query-run.errors.js';
import type { PrismiqErrorContext } from '../../errors/prismiq.error.js';
import type { BorrowedConnection } from '../../sql/connection.js';
import { findClient } from '../../sql/cancelable-clients.js';
import { sendCancelRequest } from '../../sql/cancel-request.js';
import { ReadOnlyQuery, type ReadLimits, type ReadResult } from './read-only-query.js';
import { settingsStatement, type SessionLimits } from './session-settings.js';

export interface WatchedStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type WatchLimits = ReadLimits & SessionLimits;

/** The server has its own time limit; this is for one that does not keep it. */
const TIMEOUT_MARGIN_MS = 250;

/** How long a server may take to end a statement after it was asked to. */
const CANCEL_TIMEOUT_MS = 600;

/** A query, and those who may end it before its time: its limits, and whoever has asked for it. */
export class WatchedQuery {
  /** Fails as soon as the query is ended before its time, and does not wait for the server. */
  readonly stopped: Promise<never>;
  readonly #query: ReadOnlyQuery;
  #reason: Error | undefined;
  #canceling: Promise<void> | undefined;
  #giveUp: NodeJS.Timeout | undefined;
  #rejectStopped!: (reason: Error) => void;

  constructor(
    { sql, parameters }: WatchedStatement,
    private readonly limits: WatchLimits,
    private readonly context: PrismiqErrorContext,
  ) {
    this.stopped = new Promise((_, reject) => {
      this.#rejectStopped = reject;
    });
    this.stopped.catch(() => undefined);
    this.#query = new ReadOnlyQuery(sql, parameters, settingsStatement(limits), limits, {
      onTooLarge: () => this.stop(new QueryResultTooLargeError(limits.maxBytes, context)),
      onEndless: () => {
        this.stop(new QueryResultTooLargeError(limits.maxBytes, context));
        this.abandon();
      },
    });
  }

  /** Ends the query: it fails with this reason, at once. The connection is given back when the server has ended it, too. */
  stop(reason: Error): void {
    if (this.#reason !== undefined) {
      return;
    }
    this.#reason = reason;
    this.#rejectStopped(reason);
    this.#query.stop();
    const { connection } = this.#query;
    if (connection !== undefined) {
      this.#canceling = sendCancelRequest(findClient(connection) ?? {});
      this.#giveUp = setTimeout(() => this.abandon(), CANCEL_TIMEOUT_MS);
    }
  }

  /** @throws the reason for which it was stopped, or the error of the server */
  async runOn(connection: BorrowedConnection): Promise<ReadResult> {
    if (this.#reason !== undefined) {
      throw this.#reason;
    }
    const { timeoutMs } = this.limits;
    const timer = setTimeout(
      () => this.stop(new QueryTimeoutError(timeoutMs, this.context)),
      timeoutMs + TIMEOUT_MARGIN_MS,
    );
    try {
      return await connection.submit(this.#query);
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#giveUp);
      // A request to cancel that is still on its way would hit the next statement of the connection.
      await this.#canceling;
    }
  }

  private abandon(): void {
    this.#query.abandon(new Error('The server did not end a query that was canceled'));
  }
}
