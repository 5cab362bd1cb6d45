import { Injectable, Logger } from '@nestjs/common';

/** A query that has ended. @publicApi */
export interface QueryEvent {
  tenantId: string;
  schema: string;
  /** The acting user; undefined for the system or without a user. */
  userId: string | undefined;
  /** A query definition, a text of SQL mode, or the values of a column. */
  kind: 'query' | 'sql' | 'sample';
  /** The widget that was run, if it was one. */
  widgetId: string | undefined;
  outcome: 'succeeded' | 'failed' | 'canceled';
  /** Why it failed, or was canceled. */
  error: unknown;
  /** Milliseconds from the call to its end, with all that it waited for. */
  durationMs: number;
  /** The number of rows of the result; undefined if there is none. */
  rows: number | undefined;
  isFromCache: boolean;
}

/** Receives queries that have ended. A promise that it returns is not awaited. */
export type QueryListener = (event: QueryEvent) => unknown;

/**
 * Tells what was queried: for metrics and audit logs. Each query is told of once, in this process. A listener that fails is logged.
 *
 * @example `queries.subscribe(({ kind, outcome, durationMs }) => histogram.observe({ kind, outcome }, durationMs))`
 * @publicApi
 */
@Injectable()
export class QueryFeed {
  readonly #listeners = new Set<QueryListener>();
  readonly #logger = new Logger('Prismiq');

  /** @returns a function that ends the subscription */
  subscribe(listener: QueryListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** @internal */
  publish(event: QueryEvent): void {
    for (const listener of this.#listeners) {
      void this.deliver(listener, event);
    }
  }

  private async deliver(listener: QueryListener, event: QueryEvent): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.#logger.error('A listener for queries failed', error instanceof Error ? error.stack : String(error));
    }
  }
}
