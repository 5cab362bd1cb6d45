import { ExitCode } from './exit-codes.js';

const EXIT_CODES = { SIGINT: ExitCode.Interrupted, SIGTERM: ExitCode.Terminated } as const;
type Signal = keyof typeof EXIT_CODES;

/** One Ctrl-C may arrive twice within this time: from the terminal, and passed on by npm. A person takes longer. */
const REPEATED_SIGNAL_MS = 500;

/**
 * Turns the first SIGINT or SIGTERM into an abort, after which the run finishes the tenants that it works on. The second one ends
 * the process at once, and PostgreSQL rolls back what was not committed.
 */
export class ShutdownSignals {
  readonly #controller = new AbortController();
  #exitCode: ExitCode | undefined;
  #since = 0;

  /** @param onSignal called at the first signal, and at the second, just before the end */
  constructor(private readonly onSignal: (signal: Signal, isLast: boolean) => void) {
    process.on('SIGINT', this.#handle).on('SIGTERM', this.#handle);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of an interrupted run; `undefined` if it was not interrupted. */
  get exitCode(): ExitCode | undefined {
    return this.#exitCode;
  }

  dispose(): void {
    process.off('SIGINT', this.#handle).off('SIGTERM', this.#handle);
  }

  readonly #handle = (signal: Signal): void => {
    const isLast = this.#exitCode !== undefined;
    if (isLast && performance.now() - this.#since < REPEATED_SIGNAL_MS) {
      return;
    }
    this.onSignal(signal, isLast);
    if (isLast) {
      process.exit(EXIT_CODES[signal]);
    }
    this.#since = performance.now();
    this.#exitCode = EXIT_CODES[signal];
    this.#controller.abort();
  };
}
