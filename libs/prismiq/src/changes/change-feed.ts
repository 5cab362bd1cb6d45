import { Injectable, Logger } from '@nestjs/common';
import type { ChangeEvent, ChangeListener } from './change-event.js';

/**
 * Tells of each write of the repositories, once it is committed: after the host's transaction where the write was part of one,
 * and never of one that was rolled back. For caches, audit logs, live updates.
 *
 * What fails in a listener is logged, and undoes nothing. The feed is in memory: what happens in another process, or by SQL, does
 * not pass through it.
 *
 * @publicApi
 */
@Injectable()
export class ChangeFeed {
  readonly #listeners = new Set<ChangeListener>();
  readonly #logger = new Logger('Prismiq');

  /** @returns a function that ends the subscription */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** @internal */
  publish(events: readonly ChangeEvent[]): void {
    for (const event of events) {
      for (const listener of this.#listeners) {
        void this.deliver(listener, event);
      }
    }
  }

  private async deliver(listener: ChangeListener, event: ChangeEvent): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.#logger.error('A listener for changes failed', error instanceof Error ? error.stack : String(error));
    }
  }
}
