import { Rate } from './rate.js';
import { count, span } from './text.js';

/** How a run is shown while it goes. */
export interface ProgressView {
  /** The run has begun, or gone on; called often. */
  update(state: ProgressState): void;
  /** Something that stays visible. */
  line(text: string): void;
  close(): void;
}

/** @param verb what is done to tenants, such as `Migrating` */
export class ProgressState {
  total = 0;
  done = 0;
  failed = 0;
  readonly #rate = new Rate();

  constructor(readonly verb: string) {}

  sample(): void {
    this.#rate.add(this.done);
  }

  /** Counts, rate, time left and failures. */
  facts(): string[] {
    const rate = this.#rate.perSecond;
    return [
      `${count(this.done)}/${count(this.total)}`,
      ...(rate === undefined ? [] : [`${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`]),
      ...(rate === undefined || this.done === this.total
        ? []
        : [`${span(((this.total - this.done) / rate) * 1000)} left`]),
      `${count(this.failed)} failed`,
    ];
  }
}
