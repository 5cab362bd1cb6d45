import type { Command } from '../commands/command.js';
import { EXIT_CODE_MEANINGS, ExitCode } from '../exit-codes.js';
import { wrap } from '../output/text.js';
import { GENERAL_OPTIONS, OPTION_GROUPS, OPTIONS, type Option, type OptionName } from './options.js';

/** The width of the text, and how titles are emphasized. */
export interface HelpStyle {
  readonly width: number;
  readonly title: (text: string) => string;
}

/** The manual of one command. */
export function commandHelp(command: Command, style: HelpStyle): string {
  const names: OptionName[] = [...command.options, ...GENERAL_OPTIONS];
  return join([
    `${style.title('Usage:')} ${wrap(`prismiq ${command.name} ${command.usage}`, style.width - 8, 8)}`,
    ...command.manual.map((paragraph) => wrap(paragraph, style.width)),
    ...OPTION_GROUPS.flatMap((group) => {
      const members = names.filter((name) => OPTIONS[name].group === group);
      return members.length === 0 ? [] : [section(group, members.map(optionLine), style)];
    }),
    examples(command.examples, style),
    exitCodes(command.exitCodes, style),
  ]);
}

/** What `prismiq --help` shows. */
export function overview(commands: readonly Command[], style: HelpStyle): string {
  return join([
    `${style.title('Usage:')} prismiq COMMAND [options]`,
    wrap('Creates, migrates and checks the tables of Prismiq in the PostgreSQL schemas of all tenants.', style.width),
    section(
      'Commands',
      commands.map(({ name, summary }) => [name, summary]),
      style,
    ),
    section('Options', ([...GENERAL_OPTIONS, 'version'] as const).map(optionLine), style),
    examples(
      [
        ['prismiq status', 'Which tenants are at which version?'],
        ['prismiq migrate --all', 'Bring all tenants to the newest version.'],
        ['prismiq migrate --help', 'Read the manual of one command.'],
      ],
      style,
    ),
    wrap(
      'Each command finds prismiq.config.ts (or .mts, .js, .mjs) in this folder or one above it. Flags take precedence over ' +
        'environment variables, and those over the file. Results go to standard output; progress, notes and errors to standard error.',
      style.width,
    ),
    exitCodes(Object.values(ExitCode), style),
  ]);
}

const join = (parts: readonly string[]): string => parts.join('\n\n');

function optionLine(name: OptionName): [string, string] {
  const { short, placeholder, summary, env }: Option = OPTIONS[name];
  const letter = short === undefined ? '    ' : `-${short}, `;
  const value = placeholder === undefined ? '' : ` ${placeholder}`;
  return [`${letter}--${name}${value}`, env === undefined ? summary : `${summary} [${env}]`];
}

const examples = (entries: Command['examples'], { title }: HelpStyle): string =>
  [title('Examples'), ...entries.map(([line, explanation]) => `  ${line}\n      ${explanation}`)].join('\n');

const exitCodes = (codes: readonly ExitCode[], style: HelpStyle): string =>
  section(
    'Exit codes',
    codes.toSorted((one, other) => one - other).map((code) => [String(code), EXIT_CODE_MEANINGS[code]]),
    style,
  );

/** Terms on the left, explanations on the right. */
function section(title: string, entries: readonly (readonly [string, string])[], style: HelpStyle): string {
  const width = Math.max(...entries.map(([term]) => term.length));
  const lines = entries.map(
    ([term, explanation]) => `  ${term.padEnd(width)}  ${wrap(explanation, style.width, width + 4)}`,
  );
  return [style.title(title), ...lines].join('\n');
}
