import type { MikroORM } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { defaultSchemaFor, type SchemaFor } from '../directory/schema-for.js';
import type { TenantDirectory, TenantDirectoryFactory } from '../directory/tenant-directory.js';
import type { TenantRegistry } from '../directory/tenant-registry.js';
import { tenantsFromCatalog } from '../directory/tenants-from-catalog.js';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { prismiqMigrations, type MigrationSource } from '../migrations/migration-source.js';
import type { PgPool } from '../sql/pg-executor.js';
import type { RunOptions, TenantMigratorOptions } from './migrator-options.js';

export const DEFAULT_CONCURRENCY = 4;

/**
 * The connections that a run needs: one for each tenant in progress, whose transaction holds the schema's lock. A concurrent index build
 * takes two more while it holds one, for the statement itself and for the watcher.
 */
export const connectionsNeeded = (concurrency: number): number => concurrency + 2;

const hasFunction = (value: unknown, name: string): boolean =>
  typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function';

const custom = <T>(isValid: (value: unknown) => boolean, error: string) => z.custom<T>(isValid, { error });
const functionOption = <T>(error: string) => custom<T>((value) => typeof value === 'function', error);
const flag = z.boolean({ error: 'must be true or false' });
const names = (error: string) => z.array(z.string({ error }).min(1, { error }), { error }).readonly();
const wholeNumber = (min: number, more = '') => {
  const error = `must be a whole number from ${min}${more}`;
  return z.int({ error }).min(min, { error });
};
const unlimited = (min: number, more = '') =>
  z.union([z.literal(Infinity), wholeNumber(min)], { error: `must be a whole number from ${min}${more}, or Infinity` });
const migrationsIssue = 'must be an array of what prismiqMigrations() and hostMigrations({ … }) return';

/** Options of TenantMigrator that a configuration file of the command takes as well. */
export const MIGRATOR_OPTIONS = {
  directory: custom<TenantDirectory | TenantDirectoryFactory | TenantRegistry>(
    (value) => typeof value === 'function' || hasFunction(value, 'list'),
    'must be a TenantDirectory (an object with find() and list()), or what tenantsFromCatalog(), tenantsFromList() or ' +
      'tenantsFromQuery() returns',
  ).default(() => tenantsFromCatalog()),
  schemaFor: functionOption<SchemaFor>('must be a function from a tenant id to a schema name').default(
    () => defaultSchemaFor,
  ),
  migrations: z
    .array(
      custom<MigrationSource>((value) => hasFunction(value, 'load'), migrationsIssue),
      { error: migrationsIssue },
    )
    .min(1, { error: 'must not be empty' })
    .readonly()
    .default(() => [prismiqMigrations()]),
  rings: names('must be an array of names, the first ring first, such as ["canary"]').default([]),
  searchPath: names('must be an array of schema names').default([]),
  lockTimeoutMs: wholeNumber(1, ', in milliseconds').default(3000),
  statementTimeoutMs: wholeNumber(0, ', in milliseconds; 0: no limit').default(300_000),
  retries: wholeNumber(0, '; 0: a tenant is tried once').default(3),
  citusSchemaBasedSharding: flag.optional(),
};

/** Options of a run that a configuration file of the command takes as well. */
export const RUN_OPTIONS = {
  concurrency: wholeNumber(1).default(DEFAULT_CONCURRENCY),
  onError: z.enum(['stop', 'continue'], { error: 'must be "stop" or "continue"' }).default('stop'),
  maxFailures: unlimited(1).default(Infinity),
  waitForOthersMs: unlimited(0, ', in milliseconds').default(Infinity),
  betweenRings: functionOption<NonNullable<RunOptions['betweenRings']>>(
    'must be a function, which is called between two rings',
  ).optional(),
};

const migratorOptions = z.strictObject({
  database: custom<MikroORM | PgPool>(
    (value) => typeof value === 'object' && value !== null && ('em' in value || 'totalCount' in value),
    'must be a MikroORM instance or a pg Pool: a single client has only one connection',
  ),
  ...MIGRATOR_OPTIONS,
});

const runOptions = z.object({
  ...RUN_OPTIONS,
  signal: custom<AbortSignal>((value) => hasFunction(value, 'addEventListener'), 'must be an AbortSignal').default(
    () => new AbortController().signal,
  ),
  onEvent: functionOption<NonNullable<RunOptions['onEvent']>>('must be a function').default(() => () => undefined),
});

export type CheckedMigratorOptions = Readonly<z.output<typeof migratorOptions>>;
export type CheckedRunOptions = Readonly<z.output<typeof runOptions>>;

/** @throws InvalidOptionsError */
export const checkMigratorOptions = (options: TenantMigratorOptions): CheckedMigratorOptions =>
  check(migratorOptions, options);

/** @throws InvalidOptionsError */
export const checkRunOptions = (options: RunOptions): CheckedRunOptions => check(runOptions, options);

function check<Schema extends z.ZodObject>(schema: Schema, options: object): z.output<Schema> {
  const { data, error } = schema.safeParse(options);
  const [issue] = error?.issues ?? [];
  if (issue === undefined) {
    return data as z.output<Schema>;
  }
  const [option, problem] =
    issue.code === 'unrecognized_keys'
      ? [issue.keys[0]!, `is unknown. Known are ${Object.keys(schema.shape).join(', ')}.`]
      : [String(issue.path[0] ?? 'options'), issue.message];
  throw new InvalidOptionsError(option, problem, {}, 'TenantMigrator');
}
