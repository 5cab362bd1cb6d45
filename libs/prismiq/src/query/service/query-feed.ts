import { Injectable } from '@nestjs/common';
import { Listeners } from '../../changes/listeners.js';

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
  readonly #listeners = new Listeners<QueryEvent>('queries');

  /** @returns a function that ends the subscription */
  subscribe(listener: QueryListener): () => void {
    return this.#listeners.add(listener);
  }

  /** @internal */
  publish(event: QueryEvent): void {
    this.#listeners.publish(event);
  }
}
