import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import { nearest } from '../../errors/nearest.js';
import { OPTIONS, type Option, type OptionName, type OptionValues } from './options.js';
import { InvalidValue } from './value-parsers.js';

export interface ParsedArguments {
  /** Positional arguments: the command, and any that should not be there. */
  readonly words: readonly string[];
  readonly flags: OptionValues;
}

const names = Object.keys(OPTIONS) as OptionName[];
const definition = (name: OptionName): Option => OPTIONS[name];

/**
 * Reads the command line. Options have a full name or a letter, and stand before or after the command.
 *
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): ParsedArguments {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false, // the messages are ours
    tokens: true,
    options: Object.fromEntries(
      names.map((name) => {
        const { placeholder, short } = definition(name);
        return [name, { type: placeholder === undefined ? 'boolean' : 'string', ...(short && { short }) }];
      }),
    ),
  });
  const words: string[] = [];
  const found = new Map<OptionName, unknown>();
  for (const token of tokens) {
    if (token.kind === 'positional') {
      words.push(token.value);
    } else if (token.kind === 'option') {
      const name = toOptionName(token.name, token.rawName);
      found.set(name, toOptionValue(name, token, found.get(name)));
    }
  }
  return { words, flags: Object.fromEntries(found) };
}

/**
 * Adds the values of environment variables for options that no flag sets.
 *
 * @throws UsageError
 */
export function withEnvironment(
  flags: OptionValues,
  options: readonly OptionName[],
  env: NodeJS.ProcessEnv,
): OptionValues {
  const found: Record<string, unknown> = { ...flags };
  for (const name of options) {
    const { env: variable, parse } = definition(name);
    const text = variable === undefined ? undefined : env[variable];
    if (variable !== undefined && text) {
      found[name] ??= attempt(variable, text, parse);
    }
  }
  return found;
}

function toOptionName(name: string, written: string): OptionName {
  const known = names.find((candidate) => candidate === name);
  if (known === undefined) {
    const hint = nearest(name, names);
    throw new UsageError(`There is no option ${written}.${hint === undefined ? '' : ` Did you mean --${hint}?`}`);
  }
  return known;
}

function toOptionValue(
  name: OptionName,
  { rawName, value, inlineValue }: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  before: unknown,
): unknown {
  const { placeholder, repeatable, parse } = definition(name);
  if (placeholder === undefined) {
    if (value !== undefined) {
      throw new UsageError(`${rawName} takes no value. Write ${rawName} alone.`);
    }
    return true;
  }
  if (value === undefined || (inlineValue !== true && value.startsWith('-'))) {
    throw new UsageError(
      `${rawName} needs a value: ${rawName} ${placeholder}. (A value that begins with a dash: --${name}=-…)`,
    );
  }
  if (before !== undefined && repeatable !== true) {
    throw new UsageError(`${rawName} is given twice. Give it once.`);
  }
  const read = attempt(rawName, value, parse);
  return repeatable === true ? [...((before as unknown[] | undefined) ?? []), read] : read;
}

function attempt(source: string, value: string, parse: Option['parse']): unknown {
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof InvalidValue) {
      throw new UsageError(`${source} ${error.message}, and is ${JSON.stringify(value)}.`);
    }
    throw error;
  }
}
