import type { OptionName, OptionValues } from './options.js';
import type { ExitCode } from '../exit-codes.js';
import type { Output } from '../output/output.js';
import type { Session } from '../session.js';

/** What a command works with. */
export interface CommandContext {
  readonly values: OptionValues;
  readonly output: Output;
  /** The configuration and the database, which is opened when first needed. */
  readonly session: Session;
}

/** A command: its manual, and what it does. */
export interface CommandDefinition {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What follows its name in the usage line, if not only `[options]`. */
  readonly usage?: string;
  /** Paragraphs. */
  readonly manual: readonly string[];
  /** Its options, besides those of every command. */
  readonly options: readonly OptionName[];
  readonly examples: readonly (readonly [commandLine: string, explanation: string])[];
  readonly exitCodes: readonly ExitCode[];
  run(context: CommandContext): Promise<ExitCode>;
}
