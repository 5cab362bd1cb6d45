import { PrismiqError } from '../errors/prismiq.error.js';
import { translateError } from '../sql/translate-error.js';
import { ExitCode } from './exit-codes.js';

/** The command line, the environment or the configuration file is wrong; the message says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An error as the command reports it. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
  readonly sqlState?: string | undefined;
  /** For `--verbose`. */
  readonly stack: string;
}

/** Codes of the library's errors that wrong input causes. */
const OF_USAGE = new Set([
  'INVALID_OPTIONS',
  'INVALID_SCHEMA_NAME',
  'INVALID_TENANT_ID',
  'MIGRATION_TARGET',
  'TENANT_SELECTION',
]);

const HINTS: Record<string, string> = {
  DATA_LOSS: 'For this command that is --allow-data-loss.',
  MIGRATION_TARGET: '`prismiq plan` shows the names.',
  NO_TENANTS: 'For this command that is --allow-empty.',
  SCHEMA_NOT_FOUND: 'For this command that is --create-schema.',
  TENANT_SELECTION: '`prismiq tenants` lists all there are.',
};

/** Adds the command's own option to advice that is written for callers of the API. */
export function withHint(message: string, code: string | undefined): string {
  const hint = HINTS[code ?? ''];
  return hint === undefined ? message : `${message} ${hint}`;
}

/** Turns anything that was thrown into a report. */
export function explain(thrown: unknown): ErrorReport {
  const error = translateError(thrown, {});
  const stack = error instanceof Error ? formatStack(error) : String(error);
  if (error instanceof UsageError) {
    return { code: 'USAGE', message: error.message, exitCode: ExitCode.Usage, stack };
  }
  if (error instanceof PrismiqError) {
    const { code, message, sqlState } = error;
    const exitCode = OF_USAGE.has(code) ? ExitCode.Usage : ExitCode.Failed;
    return { code, message: withHint(message, code), sqlState, exitCode, stack };
  }
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  return {
    code: 'UNEXPECTED',
    message: `${message}\nThis was not expected. Run the command again with --verbose to see where it comes from.`,
    exitCode: ExitCode.Failed,
    stack,
  };
}

function formatStack(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\nCaused by: ${formatStack(error.cause)}` : stack;
}
