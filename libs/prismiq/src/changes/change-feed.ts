import { Injectable } from '@nestjs/common';
import type { ChangeEvent, ChangeListener } from './change-event.js';
import { Listeners } from './listeners.js';

/** A record whose changes come in order: a dashboard with its widgets, or a saved query. */
type RecordKey = string;

/** The changes of a record while a COMMIT of it is unanswered. */
interface OpenRecord {
  /** Writes whose COMMIT has been sent but not answered. */
  unanswered: number;
  /** Changes whose COMMIT has succeeded. */
  committed: ChangeEvent[];
}

/**
 * Publishes each write of the repositories once it is committed: for caches, audit logs and live updates. A write inside the
 * host's transaction is published after that transaction; one that was rolled back is not. The changes of one record come in the
 * order of its versions.
 *
 * A listener that fails is logged and undoes nothing. The feed is in memory: writes of another process, or by SQL, do not pass
 * through it, and neither does a write whose outcome is unknown because the connection broke during its COMMIT.
 *
 * @publicApi
 */
@Injectable()
export class ChangeFeed {
  readonly #listeners = new Listeners<ChangeEvent>('changes');
  readonly #open = new Map<RecordKey, OpenRecord>();

  /** @returns a function that ends the subscription */
  subscribe(listener: ChangeListener): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Announces that changes are about to be committed. Until the returned function says which were, later changes of these records
   * are held back: of two connections, the answer to the later COMMIT can be the first to arrive.
   *
   * @internal
   */
  announce(records: Iterable<RecordKey>): (committed: readonly ChangeEvent[]) => void {
    const keys = new Set(records);
    for (const key of keys) {
      const record = this.#open.get(key) ?? { unanswered: 0, committed: [] };
      record.unanswered += 1;
      this.#open.set(key, record);
    }
    return (committed) => {
      for (const event of committed) {
        this.#open.get(recordKey(event))?.committed.push(event);
      }
      for (const key of keys) {
        this.close(key);
      }
    };
  }

  private close(key: RecordKey): void {
    const record = this.#open.get(key)!;
    record.unanswered -= 1;
    if (record.unanswered === 0) {
      this.#open.delete(key);
      const inOrder = record.committed.toSorted((a, b) => (a.versionBefore ?? 0) - (b.versionBefore ?? 0));
      inOrder.forEach((event) => this.#listeners.publish(event));
    }
  }
}

/** A widget's changes are versions of its dashboard. */
export const recordKey = ({ schema, id, dashboardId }: Pick<ChangeEvent, 'schema' | 'id' | 'dashboardId'>): RecordKey =>
  `${schema}/${(dashboardId ?? id).toLowerCase()}`;
