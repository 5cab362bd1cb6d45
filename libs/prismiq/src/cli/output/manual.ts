import { Help, type Command } from 'commander';
import type { CommandDefinition } from '../commands/command.js';
import { EXIT_CODE_MEANINGS } from '../exit-codes.js';

/** Commander's help of a command, and below it examples and exit codes. */
export class Manual extends Help {
  constructor(
    private readonly definition: Pick<CommandDefinition, 'examples' | 'exitCodes'>,
    override readonly styleTitle: (text: string) => string,
  ) {
    super();
  }

  override subcommandTerm(command: Command): string {
    return command.name();
  }

  override formatHelp(command: Command, helper: Help): string {
    const { examples, exitCodes } = this.definition;
    const codes = exitCodes.toSorted((one, other) => one - other);
    return [
      super.formatHelp(command, helper),
      ...this.formatItemList(
        'Examples:',
        examples.map(([line, explanation]) => `  ${line}\n      ${explanation}`),
        helper,
      ),
      ...this.formatItemList(
        'Exit codes:',
        codes.map((code) => this.formatItem(String(code), 3, EXIT_CODE_MEANINGS[code], helper)),
        helper,
      ),
    ].join('\n');
  }
}
