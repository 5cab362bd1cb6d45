import type { Output } from './output.js';
import type { ProgressState, ProgressView } from './progress-state.js';

const REDRAW_INTERVAL_MS = 100;
const BAR_COLUMNS = 30;
const TO_LINE_START = '\r';
const CLEAR_TO_LINE_END = '\u001B[K';

/** A line at the bottom of the terminal, which is redrawn. Lines that stay are written above it. */
export class ProgressBar implements ProgressView {
  #state: ProgressState | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly output: Output) {
    this.#timer = setInterval(() => {
      this.#state?.sample();
      this.draw();
    }, REDRAW_INTERVAL_MS);
  }

  update(state: ProgressState): void {
    const isFirst = this.#state === undefined;
    this.#state = state;
    if (isFirst) {
      state.sample();
      this.draw();
    }
  }

  line(text: string): void {
    this.erase();
    this.output.note(text);
    this.draw();
  }

  close(): void {
    clearInterval(this.#timer);
    this.erase();
    this.#state = undefined;
  }

  private draw(): void {
    if (this.#state === undefined) {
      return;
    }
    const { verb, done, total, failed } = this.#state;
    const filled = total === 0 ? BAR_COLUMNS : Math.round((done / total) * BAR_COLUMNS);
    const facts = this.#state.facts().join('  ');
    const columns = this.output.stderr.columns || 80;
    const words = `${verb}  ${facts}`;
    const room = columns - words.length - 3;
    const bar =
      room < BAR_COLUMNS
        ? ''
        : `${this.output.onStderr(failed > 0 ? 'yellow' : 'green', '█'.repeat(filled))}${'░'.repeat(BAR_COLUMNS - filled)}  `;
    const line = bar === '' ? words.slice(0, columns - 1) : `${verb}  ${bar}${facts}`;
    this.output.stderr.write(`${TO_LINE_START}${line}${CLEAR_TO_LINE_END}`);
  }

  private erase(): void {
    this.output.stderr.write(`${TO_LINE_START}${CLEAR_TO_LINE_END}`);
  }
}
