import { styleText } from 'node:util';
import type { OptionValues } from '../commands/options.js';
import type { ErrorReport } from '../errors.js';
import { printableLines } from './text.js';

type Style = Parameters<typeof styleText>[0];

/**
 * Where the command writes. Standard output is for results alone, so that they can be piped; progress, notes and errors go to
 * standard error. Colors appear only on a terminal, and NO_COLOR is respected.
 */
export class Output {
  /** Whether results are JSON, one object a line. */
  readonly json: boolean;
  readonly verbose: boolean;
  readonly stdout = process.stdout;
  readonly stderr = process.stderr;

  constructor({ json = false, verbose = false }: Pick<OptionValues, 'json' | 'verbose'>) {
    this.json = json;
    this.verbose = verbose;
  }

  /** Lines of a result for people, left out with `--json`. */
  result(...lines: readonly string[]): void {
    if (!this.json && lines.length > 0) {
      this.stdout.write(`${lines.join('\n')}\n`);
    }
  }

  /** A result for programs, left out without `--json`. */
  event<Event extends { readonly type: string }>(event: Event): void {
    if (this.json) {
      this.stdout.write(`${JSON.stringify(event)}\n`);
    }
  }

  /** A note on standard error. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  error(error: ErrorReport): void {
    const { stack, ...report } = error;
    this.event({ type: 'error', ...report });
    const text = printableLines(this.verbose ? `${error.message}\n\n${stack}` : error.message).join('\n');
    this.note(`${this.onStderr(['red', 'bold'], 'Error:')} ${text}`);
  }

  readonly onStdout = (style: Style, text: string): string => styleText(style, text, { stream: this.stdout });
  readonly onStderr = (style: Style, text: string): string => styleText(style, text, { stream: this.stderr });
  readonly title = (text: string): string => this.onStdout('bold', text);

  /** Columns to use for prose. */
  get width(): number {
    return Math.min(this.stdout.columns || 80, 100);
  }
}
