import type { MigrationEvent, TenantResult } from '../../migrator/run-report.js';
import type { Output } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { ProgressLines } from './progress-lines.js';
import { ProgressState, type ProgressView } from './progress-state.js';
import { counted, printable, span } from './text.js';

/** Shows a run: as a bar on a terminal, as plain lines elsewhere. With `--json` each event is a line of its own as well. */
export class Progress {
  readonly #state: ProgressState;
  readonly #view: ProgressView;

  constructor(
    verb: string,
    private readonly output: Output,
    env: NodeJS.ProcessEnv,
  ) {
    this.#state = new ProgressState(verb);
    const isTerminal = output.stderr.isTTY && !output.json && env['TERM'] !== 'dumb' && (env['CI'] ?? '') === '';
    this.#view = isTerminal ? new ProgressBar(output) : new ProgressLines(output);
  }

  /** For the `onEvent` option of a run. */
  readonly onEvent = (event: MigrationEvent): void => {
    this.output.event(event);
    const state = this.#state;
    switch (event.type) {
      case 'run-started':
        state.total = event.total;
        break;
      case 'tenant-finished':
        state.done += 1;
        if (event.result.state === 'failed') {
          state.failed += 1;
          this.#view.line(`${this.output.onStderr('red', 'failed')} ${describe(event.result)}`);
        } else if (this.output.verbose) {
          this.#view.line(`${event.result.state} ${event.result.tenantId} in ${span(event.result.durationMs)}`);
        }
        break;
      case 'tenant-waiting':
        this.#view.line(printable(`${event.tenantId} (schema ${event.schema}): ${event.message}`));
        break;
      case 'tenant-retry':
        if (this.output.verbose) {
          this.#view.line(printable(`retry in ${span(event.waitMs)}: ${event.tenantId}, ${event.message}`));
        }
        break;
      case 'ring-finished':
        if (event.ring !== undefined) {
          this.#view.line(
            `Ring ${printable(event.ring)} is done: ${counted(event.total, 'tenant')}, ${event.counts.failed} failed.`,
          );
        }
        break;
      default: // nothing to show
    }
    this.#view.update(state);
  };

  note(text: string): void {
    this.#view.line(text);
  }

  close(): void {
    this.#view.close();
  }
}

function describe({ tenantId, sqlState, message = 'for an unknown reason' }: TenantResult): string {
  const [reason = ''] = message.split('\n');
  return printable(`${tenantId}: ${sqlState === undefined ? '' : `SQLSTATE ${sqlState}, `}${reason}`);
}
