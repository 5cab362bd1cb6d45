import { Rate } from './rate.js';
import { count, span } from './text.js';

/** Shows a run while it works. */
export interface ProgressView {
  /** Called when the run has begun or made progress; often. */
  update(state: ProgressState): void;
  /** Shows a line that stays visible. */
  line(text: string): void;
  close(): void;
}

/** @param verb says what the run does, such as `Migrating` */
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
