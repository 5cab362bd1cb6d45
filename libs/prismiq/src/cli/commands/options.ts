import { InvalidArgumentError, Option } from 'commander';
import { duration, onOrOff, stopOrContinue, text, wholeNumber, type Parse } from './value-parsers.js';

/** An option of the command line that an environment variable may set as well. */
export class CliOption<Value = unknown> extends Option {
  /** The environment variable. Not commander's own `env()`, which reads it for `--help` too and takes an empty one. */
  variable: string | undefined;

  constructor(
    flags: string,
    description: string,
    /** Reads the text of the environment variable. */
    readonly parse: Parse<Value>,
  ) {
    super(flags, description);
  }

  orEnvironment(variable: string): this {
    this.variable = variable;
    this.description += ` [${variable}]`;
    return this;
  }
}

const toggle = (flags: string, description: string) => new CliOption(flags, description, onOrOff);

const value = <Value>(flags: string, parse: Parse<Value>, description: string) =>
  new CliOption(flags, description, parse).argParser((argument, previous: Value | undefined) => {
    if (previous !== undefined) {
      throw new InvalidArgumentError('Give the option once.');
    }
    return parse(argument);
  });

const list = (flags: string, description: string) =>
  new CliOption<string[]>(flags, `${description}; repeatable`, (argument) => [text(argument)]).argParser(
    (argument, previous: string[] = []) => [...previous, text(argument)],
  );

function group<Options extends Record<string, Option>>(heading: string, options: Options): Options {
  Object.values(options).forEach((option) => option.helpGroup(heading));
  return options;
}

/** Every option of every command, by the name of its value. One name means the same everywhere. */
export const OPTIONS = {
  ...group('Which tenants:', {
    tenant: list(
      '-t, --tenant <id>',
      "the tenant with this id, or those that match a pattern such as 'eu_*' (quote it)",
    ),
    ring: list('-r, --ring <name>', 'the tenants of this ring'),
    tag: list('--tag <name>', 'the tenants with this tag'),
    all: toggle('-a, --all', 'all tenants of the directory'),
    allowEmpty: toggle('--allow-empty', 'accept a directory without tenants, which may mean a wrong database'),
    schema: list('--schema <name>', 'this PostgreSQL schema, even if it belongs to no tenant of the directory'),
  }),
  ...group('What to do:', {
    to: value('--to <version>', text, 'stop at this migration; other lists of migrations stay where they are'),
    source: value(
      '--source <name>',
      text,
      'the list of migrations that --to or --steps refers to, if there are several',
    ),
    steps: value('--steps <n>', wholeNumber(1, 10_000), 'how many migrations to take back'),
    allowDataLoss: toggle('--allow-data-loss', 'also run statements that drop tables or columns'),
    createSchema: toggle('--create-schema', 'create schemas that do not exist'),
    repair: toggle('--repair', 'first repair tables that differ, as far as no row changes'),
    check: toggle('--check', 'exit with 4 if a tenant is behind, with 5 if one has drifted'),
    dryRun: toggle('--dry-run', 'show what would be done, and change nothing'),
  }),
  ...group('How to run:', {
    concurrency: value(
      '--concurrency <n>',
      wholeNumber(1, 1000),
      'how many tenants to work on at once, each on its own connection (default: 4)',
    ).orEnvironment('PRISMIQ_CONCURRENCY'),
    onError: value(
      '--on-error <stop|continue>',
      stopOrContinue,
      'after a tenant has failed, start no others (stop, the default) or continue',
    ).orEnvironment('PRISMIQ_ON_ERROR'),
    maxFailures: value(
      '--max-failures <n>',
      wholeNumber(1, 1_000_000),
      'with --on-error continue: stop after this many failed tenants',
    ).orEnvironment('PRISMIQ_MAX_FAILURES'),
    lockTimeout: value(
      '--lock-timeout <time>',
      duration,
      'how long a statement waits for a lock, such as 500ms (default: 3s)',
    ).orEnvironment('PRISMIQ_LOCK_TIMEOUT'),
    statementTimeout: value(
      '--statement-timeout <time>',
      duration,
      'how long a statement may take, such as 30s; 0 is no limit (default: 5min)',
    ).orEnvironment('PRISMIQ_STATEMENT_TIMEOUT'),
    wait: value(
      '--wait <time>',
      duration,
      'how long to wait for another process that works on a tenant, such as 10min (default: until it is done)',
    ).orEnvironment('PRISMIQ_WAIT'),
    yes: toggle('-y, --yes', 'do not ask'),
  }),
  ...group('General:', {
    config: value(
      '-c, --config <file>',
      text,
      'the configuration file (default: prismiq.config.{ts,mts,js,mjs} in this folder or one above)',
    ).orEnvironment('PRISMIQ_CONFIG'),
    databaseUrl: value(
      '--database-url <url>',
      text,
      'the database, as postgres://user@host:5432/name; DATABASE_URL is read as well',
    ).orEnvironment('PRISMIQ_DATABASE_URL'),
    json: toggle('--json', 'write one JSON object a line to standard output, and nothing else'),
    verbose: toggle('-v, --verbose', 'say more, and show stack traces').orEnvironment('PRISMIQ_DEBUG'),
  }),
};

export type OptionName = keyof typeof OPTIONS;

/** The values given by flags and environment variables. */
export type OptionValues = {
  readonly [Name in OptionName]?: (typeof OPTIONS)[Name] extends CliOption<infer Value> ? Value : never;
};

/** Options of every command. */
export const GENERAL_OPTIONS: readonly OptionName[] = ['config', 'databaseUrl', 'json', 'verbose'];
/** Options of every command that works on tenants. */
export const SELECTION_OPTIONS: readonly OptionName[] = ['tenant', 'ring', 'tag', 'all', 'allowEmpty'];
/** Options of every command that runs migrations. */
export const RUN_OPTIONS: readonly OptionName[] = [
  'concurrency',
  'onError',
  'maxFailures',
  'lockTimeout',
  'statementTimeout',
  'wait',
];
