import { readFileSync } from 'node:fs';
import { Console } from 'node:console';
import { commandHelp, overview } from './arguments/help.js';
import { GENERAL_OPTIONS, OPTIONS, type OptionName } from './arguments/options.js';
import { parseArguments, withEnvironment, type ParsedArguments } from './arguments/parse-arguments.js';
import type { Command } from './commands/command.js';
import { COMMANDS } from './commands/commands.js';
import { explain, UsageError } from './errors.js';
import { ExitCode } from './exit-codes.js';
import { nearest } from '../errors/nearest.js';
import { Output } from './output/output.js';
import { Session } from './session.js';

/** Runs the command line. Never throws: errors are printed, and the exit code says what kind they are. */
export async function runProgram(argv: readonly string[], env: NodeJS.ProcessEnv, folder: string): Promise<ExitCode> {
  // What a configuration file or an ORM logs must not get between results.
  globalThis.console = new Console(process.stderr);
  let output = new Output({ json: argv.includes('--json') });
  try {
    const parsed = parseArguments(argv);
    const command = findCommand(parsed);
    if (parsed.flags.version === true) {
      output.help(version());
      return ExitCode.Ok;
    }
    if (parsed.flags.help === true || parsed.words[0] === 'help') {
      output.help(command === undefined ? overview(COMMANDS, output) : commandHelp(command, output));
      return ExitCode.Ok;
    }
    if (command === undefined) {
      throw new UsageError(`Which command? ${known()}`);
    }
    checkUse(command, parsed);
    const values = withEnvironment(parsed.flags, [...command.options, ...GENERAL_OPTIONS], env);
    output = new Output(values);
    const session = new Session(values, env, folder, output);
    try {
      return await command.run({ values, output, session });
    } finally {
      await session.close();
    }
  } catch (error) {
    const report = explain(error);
    output.error(report);
    return report.exitCode;
  }
}

const known = (): string =>
  `There are ${COMMANDS.map(({ name }) => name).join(', ')}; \`prismiq --help\` shows what they do.`;

/** Finds the command, if one is named. `prismiq help migrate` names `migrate` as well. */
function findCommand({ words: [first, second] }: ParsedArguments): Command | undefined {
  const name = first === 'help' ? second : first;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (name !== undefined && command === undefined) {
    const names = COMMANDS.map((candidate) => candidate.name);
    const hint = nearest(name, names);
    throw new UsageError(
      `There is no command "${name}". ${hint === undefined ? known() : `Did you mean \`prismiq ${hint}\`?`}`,
    );
  }
  return command;
}

/** Refuses options that the command does not take: an ignored option would seem to work. */
function checkUse({ name, options }: Command, { words: [, more], flags }: ParsedArguments): void {
  const manual = `\`prismiq ${name} --help\` shows what it takes.`;
  if (more !== undefined) {
    const hint = options.includes('tenant') ? ` To name a tenant: --tenant ${more}.` : '';
    throw new UsageError(`prismiq ${name} takes only options, not "${more}".${hint} ${manual}`);
  }
  const allowed: readonly OptionName[] = [...options, ...GENERAL_OPTIONS];
  const refused = (Object.keys(flags) as OptionName[]).find((option) => !allowed.includes(option));
  if (refused !== undefined) {
    throw new UsageError(`prismiq ${name} takes no --${refused} (${OPTIONS[refused].summary}). ${manual}`);
  }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
