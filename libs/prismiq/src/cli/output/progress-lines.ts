import type { Output } from './output.js';
import type { ProgressState, ProgressView } from './progress-state.js';

const LINE_INTERVAL_MS = 5000;

/** Plain lines for a file, a pipe or the log of a CI run, one every few seconds. */
export class ProgressLines implements ProgressView {
  #state: ProgressState | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly output: Output) {
    this.#timer = setInterval(() => {
      if (this.#state !== undefined) {
        this.#state.sample();
        this.line(`${this.#state.verb}: ${this.#state.facts().join(', ')}`);
      }
    }, LINE_INTERVAL_MS);
  }

  update(state: ProgressState): void {
    if (this.#state === undefined) {
      state.sample();
    }
    this.#state = state;
  }

  line(text: string): void {
    this.output.note(text);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
