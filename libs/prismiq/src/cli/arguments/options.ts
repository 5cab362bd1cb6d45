import { duration, oneOf, onOrOff, text, wholeNumber, type Parse } from './value-parsers.js';

/** The headings under which `--help` lists options, in that order. */
export const OPTION_GROUPS = ['Which tenants', 'What to do', 'How to run', 'General'] as const;

export interface Option<Value = unknown> {
  readonly group: (typeof OPTION_GROUPS)[number];
  /** For `--help`: what it does, and the default where there is one. */
  readonly summary: string;
  readonly short?: string;
  /** How `--help` writes the value. Absent if the option is a switch. */
  readonly placeholder?: string;
  /** Whether it may be given several times; the value is a list then. */
  readonly repeatable?: boolean;
  /** The environment variable that is read if the flag is absent. */
  readonly env?: string;
  readonly parse: Parse<Value>;
}

type Details = Omit<Option, 'parse' | 'placeholder' | 'repeatable'>;

const toggle = (details: Details) => ({ ...details, parse: onOrOff }) satisfies Option<boolean>;
const value = <Value>(placeholder: string, parse: Parse<Value>, details: Details) =>
  ({ ...details, placeholder, parse }) satisfies Option<Value>;
const list = (placeholder: string, details: Details) =>
  ({ ...details, placeholder, repeatable: true, parse: text }) as const satisfies Option<string>;

/** Every option of every command. One name means the same everywhere. */
export const OPTIONS = {
  tenant: list('ID', {
    group: 'Which tenants',
    short: 't',
    summary: "the tenant of this id, or all whose id matches a pattern such as 'eu_*' (quote it); repeatable",
  }),
  ring: list('NAME', { group: 'Which tenants', short: 'r', summary: 'the tenants of this ring; repeatable' }),
  tag: list('NAME', { group: 'Which tenants', summary: 'the tenants with this tag; repeatable' }),
  all: toggle({ group: 'Which tenants', short: 'a', summary: 'all tenants of the directory' }),
  'allow-empty': toggle({
    group: 'Which tenants',
    summary: 'do not fail if the directory has no tenants; without it, that is taken for a wrong database',
  }),
  schema: list('NAME', {
    group: 'Which tenants',
    summary: 'this PostgreSQL schema, whether or not the directory knows a tenant of it; repeatable',
  }),

  to: value('VERSION', text, {
    group: 'What to do',
    summary: 'stop at this version (the name of a migration); other lists of migrations stay where they are',
  }),
  source: value('NAME', text, {
    group: 'What to do',
    summary: 'the list of migrations that --to or --steps is about, where there are several',
  }),
  steps: value('N', wholeNumber(1, 10_000), { group: 'What to do', summary: 'how many migrations to take back' }),
  'allow-data-loss': toggle({ group: 'What to do', summary: 'run statements that drop tables or columns, too' }),
  'create-schema': toggle({ group: 'What to do', summary: 'create schemas that do not exist' }),
  repair: toggle({
    group: 'What to do',
    summary: 'first repair tables of another shape, as far as no row changes',
  }),
  check: toggle({ group: 'What to do', summary: 'exit with 4 when a tenant is behind, with 5 when one has drifted' }),
  'dry-run': toggle({ group: 'What to do', summary: 'show what would be done, and change nothing' }),

  concurrency: value('N', wholeNumber(1, 1000), {
    group: 'How to run',
    env: 'PRISMIQ_CONCURRENCY',
    summary: 'how many tenants to work on at once, each on a connection of its own (default: 4)',
  }),
  'on-error': value('stop|continue', oneOf('stop', 'continue'), {
    group: 'How to run',
    env: 'PRISMIQ_ON_ERROR',
    summary: 'when a tenant fails: begin no other one (the default), or go on with the rest',
  }),
  'max-failures': value('N', wholeNumber(1, 1_000_000), {
    group: 'How to run',
    env: 'PRISMIQ_MAX_FAILURES',
    summary: 'with --on-error continue: stop once this many tenants have failed',
  }),
  'lock-timeout': value('TIME', duration, {
    group: 'How to run',
    env: 'PRISMIQ_LOCK_TIMEOUT',
    summary: 'how long a statement waits for a lock, such as 500ms (default: 3s)',
  }),
  'statement-timeout': value('TIME', duration, {
    group: 'How to run',
    env: 'PRISMIQ_STATEMENT_TIMEOUT',
    summary: 'how long a statement may take, such as 30s; 0: without limit (default: 5min)',
  }),
  wait: value('TIME', duration, {
    group: 'How to run',
    env: 'PRISMIQ_WAIT',
    summary: 'how long to wait for another process that works on a tenant, such as 10min (default: until it is done)',
  }),
  yes: toggle({ group: 'How to run', short: 'y', summary: 'do not ask' }),

  config: value('FILE', text, {
    group: 'General',
    short: 'c',
    env: 'PRISMIQ_CONFIG',
    summary: 'the configuration file; by default prismiq.config.{ts,mts,js,mjs} here or in a folder above',
  }),
  'database-url': value('URL', text, {
    group: 'General',
    env: 'PRISMIQ_DATABASE_URL',
    summary: 'the database, as postgres://user@host:5432/name; DATABASE_URL is read as well',
  }),
  json: toggle({ group: 'General', summary: 'write one JSON object a line to standard output, and nothing else' }),
  verbose: toggle({ group: 'General', short: 'v', env: 'PRISMIQ_DEBUG', summary: 'tell more; show stack traces' }),
  help: toggle({ group: 'General', short: 'h', summary: 'show this manual' }),
  version: toggle({ group: 'General', short: 'V', summary: 'show the version of the package' }),
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<Name extends OptionName> = (typeof OPTIONS)[Name] extends infer Definition extends Option
  ? Definition extends { readonly repeatable: true }
    ? ReturnType<Definition['parse']>[]
    : ReturnType<Definition['parse']>
  : never;

/** The values given by flags and environment variables. */
export type OptionValues = { readonly [Name in OptionName]?: ValueOf<Name> };

/** Options of every command. */
export const GENERAL_OPTIONS = ['config', 'database-url', 'json', 'verbose', 'help'] as const satisfies OptionName[];
/** Options of every command that works on tenants. */
export const SELECTION_OPTIONS = ['tenant', 'ring', 'tag', 'all', 'allow-empty'] as const satisfies OptionName[];
