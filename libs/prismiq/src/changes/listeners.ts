import { Logger } from '@nestjs/common';

/** Those who listen to events. One that fails is logged. */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => unknown>();
  readonly #logger = new Logger('Prismiq');

  /** @param subject what the events are about, in the plural, for the log */
  constructor(private readonly subject: string) {}

  /** @returns a function that ends the subscription */
  add(listener: (event: Event) => unknown): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  publish(event: Event): void {
    for (const listener of this.#listeners) {
      void this.deliver(listener, event);
    }
  }

  private async deliver(listener: (event: Event) => unknown, event: Event): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.#logger.error(`A listener for ${this.subject} failed`, error instanceof Error ? error.stack : String(error));
    }
  }
}
