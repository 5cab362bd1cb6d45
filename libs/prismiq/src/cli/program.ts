import { Console } from 'node:console';
import { readFileSync } from 'node:fs';
import { Command, CommanderError, type Help } from 'commander';
import type { CommandDefinition } from './commands/command.js';
import { COMMANDS } from './commands/commands.js';
import { GENERAL_OPTIONS, OPTIONS, type CliOption, type OptionName, type OptionValues } from './commands/options.js';
import { explain, UsageError } from './errors.js';
import { ExitCode } from './exit-codes.js';
import { Manual } from './output/manual.js';
import { Output } from './output/output.js';
import { Session } from './session.js';

type Run = (command: CommandDefinition, values: OptionValues) => Promise<void>;

/** Runs the command line. Never throws: errors are printed, and the exit code says what kind they are. */
export async function runProgram(argv: readonly string[], env: NodeJS.ProcessEnv, folder: string): Promise<ExitCode> {
  // What a configuration file or an ORM logs must not get between results.
  globalThis.console = new Console(process.stderr);
  let output = new Output({ json: argv.includes('--json') });
  let exitCode: ExitCode = ExitCode.Ok;
  const run: Run = async (command, flags) => {
    const values = withEnvironment(flags, command.options, env);
    output = new Output(values);
    const session = new Session(values, env, folder, output);
    try {
      exitCode = await command.run({ values, output, session });
    } finally {
      await session.close();
    }
  };
  try {
    await createProgram(run, output).parseAsync(commandFirst(argv), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      return ExitCode.Ok; // `--help` and `--version` end like this
    }
    const report = explain(error);
    output.error(report);
    return report.exitCode;
  }
  return exitCode;
}

/** What `prismiq --help` shows, besides the commands. */
const PROGRAM: Manuscript = {
  name: 'prismiq',
  usage: '<command> [options]',
  manual: [
    'Creates, migrates and checks the tables of Prismiq in the PostgreSQL schemas of all tenants.',
    'Each command finds prismiq.config.ts (or .mts, .js, .mjs) in this folder or one above it. Flags take precedence over ' +
      'environment variables, and those over the file. Results go to standard output; progress, notes and errors to standard error.',
  ],
  options: [],
  examples: [
    ['prismiq status', 'Which tenants are at which version?'],
    ['prismiq migrate --all', 'Bring all tenants to the newest version.'],
    ['prismiq migrate --help', 'Read the manual of one command.'],
  ],
  exitCodes: Object.values(ExitCode),
};

type Manuscript = Omit<CommandDefinition, 'run' | 'summary'>;

/** A command of commander, with our manual and errors. */
class PrismiqCommand extends Command {
  constructor(
    private readonly definition: Manuscript,
    private readonly output: Output,
  ) {
    super(definition.name);
    const { usage = '[options]', manual, options } = definition;
    this.usage(usage).description(manual.join('\n\n'));
    for (const name of [...options, ...GENERAL_OPTIONS]) {
      this.addOption(OPTIONS[name]);
    }
    this.optionsGroup('General:').helpOption('-h, --help', 'show this manual');
  }

  override createHelp(): Help {
    return new Manual(this.definition, this.output.title);
  }

  override error(message: string): never {
    const name = this.parent === null ? 'prismiq' : `prismiq ${this.name()}`;
    throw new UsageError(`${message.replace(/^error: /, '')}\n\`${name} --help\` shows how to use it.`);
  }
}

function createProgram(run: Run, output: Output): Command {
  const names = COMMANDS.map(({ name }) => name).join(', ');
  const program = new PrismiqCommand(PROGRAM, output)
    .version(packageVersion(), '-V, --version', 'show the version of the package')
    .helpCommand('help [command]', 'show the manual of a command')
    .enablePositionalOptions()
    .configureOutput({ getOutHelpWidth: () => output.width, writeErr: () => undefined })
    .exitOverride((exit) => {
      throw exit.exitCode === 0 ? exit : new UsageError(`Which command? There are ${names}; see \`prismiq --help\`.`);
    });
  for (const definition of COMMANDS) {
    const command = new PrismiqCommand(definition, output).copyInheritedSettings(program);
    command.summary(definition.summary).allowExcessArguments();
    command.action((values: OptionValues) => {
      const [argument] = command.args;
      if (argument !== undefined) {
        const hint = definition.options.includes('tenant') ? ` To name a tenant: --tenant ${argument}.` : '';
        command.error(`prismiq ${definition.name} takes only options, not "${argument}".${hint}`);
      }
      return run(definition, values);
    });
    program.addCommand(command);
  }
  return program;
}

/**
 * Moves the command to the front, where commander expects it, and refuses an option in place of a value, as in `--tenant --all`,
 * which commander would accept.
 */
function commandFirst(argv: readonly string[]): readonly string[] {
  const findOption = (flag?: string) =>
    Object.values(OPTIONS).find(({ required, short, long }) => required && (flag === short || flag === long));
  argv.forEach((word, index) => {
    const option = index === 0 ? undefined : findOption(argv[index - 1]);
    if (option !== undefined && word.startsWith('-')) {
      throw new UsageError(`option '${option.flags}' needs a value. (One that begins with a dash: ${option.long}=-…)`);
    }
  });
  const first = argv.findIndex((word, index) => !word.startsWith('-') && !(index > 0 && findOption(argv[index - 1])));
  return first < 1 ? argv : [argv[first]!, ...argv.toSpliced(first, 1)];
}

/** Adds the values of environment variables for options that no flag sets. */
function withEnvironment(flags: OptionValues, options: readonly OptionName[], env: NodeJS.ProcessEnv): OptionValues {
  const values: Record<string, unknown> = { ...flags };
  for (const name of [...options, ...GENERAL_OPTIONS]) {
    const { variable = '', parse }: CliOption = OPTIONS[name];
    const text = env[variable];
    if (text && values[name] === undefined) {
      try {
        values[name] = parse(text);
      } catch (error) {
        throw new UsageError(`${variable} is '${text}'. ${(error as Error).message}`);
      }
    }
  }
  return values;
}

function packageVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
