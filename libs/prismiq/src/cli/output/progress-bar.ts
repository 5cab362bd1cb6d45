import type { Output } from './output.js';
import type { ProgressState, ProgressView } from './progress-state.js';

const FRAME = 100;
const BAR = 30;
const TO_LINE_START = '\r';
const CLEAR_TO_LINE_END = '\u001B[K';

/** A line at the bottom of the terminal, drawn again and again. What stays is written above it. */
export class ProgressBar implements ProgressView {
  #state: ProgressState | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly output: Output) {
    this.#timer = setInterval(() => {
      this.#state?.sample();
      this.draw();
    }, FRAME);
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
    const filled = total === 0 ? BAR : Math.round((done / total) * BAR);
    const facts = this.#state.facts().join('  ');
    const columns = this.output.stderr.columns || 80;
    const words = `${verb}  ${facts}`;
    const room = columns - words.length - 3;
    const bar =
      room < BAR
        ? ''
        : `${this.output.onStderr(failed > 0 ? 'yellow' : 'green', '█'.repeat(filled))}${'░'.repeat(BAR - filled)}  `;
    const line = bar === '' ? words.slice(0, columns - 1) : `${verb}  ${bar}${facts}`;
    this.output.stderr.write(`${TO_LINE_START}${line}${CLEAR_TO_LINE_END}`);
  }

  private erase(): void {
    this.output.stderr.write(`${TO_LINE_START}${CLEAR_TO_LINE_END}`);
  }
}
