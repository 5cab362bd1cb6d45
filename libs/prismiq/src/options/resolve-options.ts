import { VERSION_NEUTRAL } from '@nestjs/common';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { DEFAULT_LIMITS, type Limits } from '../documents/limits.js';
import { FunctionTenantResolver, NoTenantResolver, type TenantResolver } from '../tenancy/tenant-resolver.js';
import { defaultSchemaFor } from '../directory/schema-for.js';
import type { TenantDirectoryFactory } from '../directory/tenant-directory.js';
import type { ConnectionLimits } from '../repositories/tenant-database.js';
import { resolveQueryOptions } from '../query/options/resolve-query-options.js';
import { tenantsFromCatalog } from '../directory/tenants-from-catalog.js';
import type { PrismiqConfig } from './prismiq-config.js';
import type {
  PrismiqConnectionOptions,
  PrismiqControllerName,
  PrismiqControllersOptions,
  PrismiqDirectoryCacheOptions,
  PrismiqLimits,
  PrismiqMigratorOptions,
  PrismiqOptions,
  PrismiqStructure,
} from './prismiq-options.js';

type Entry = 'forRoot' | 'forRootAsync';

const VALUES = [
  'resolver',
  'schemaFor',
  'directory',
  'directoryCache',
  'bindEntityManager',
  'limits',
  'connections',
  'migrator',
  'query',
];
const STRUCTURE = ['isGlobal', 'contextName', 'controllers', 'imports'];
const SOURCES = ['useFactory', 'useClass', 'useExisting', 'inject'];

/** Checks the options that are values. Some depend on options in `structure`. */
export function resolveOptions(options: PrismiqOptions, structure: PrismiqStructure): PrismiqConfig {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionsError('useFactory', 'must return an object with options');
  }
  for (const option of STRUCTURE) {
    if ((options as Record<string, unknown>)[option] !== undefined) {
      throw new InvalidOptionsError(
        option,
        'cannot come from a factory: it shapes the module. Move it to forRootAsync itself, beside the factory.',
      );
    }
  }
  assertKnown(options, [...VALUES, ...STRUCTURE]);
  const { resolver, schemaFor = defaultSchemaFor, bindEntityManager = false } = options;
  if (typeof schemaFor !== 'function') {
    throw new InvalidOptionsError('schemaFor', 'must be a function from a tenant id to a schema name');
  }
  if (resolver === undefined && resolveControllers(structure) !== undefined) {
    throw new InvalidOptionsError(
      'resolver',
      'is missing: `controllers` are mounted, and nothing says to which tenant a request belongs. ' +
        'Give a function such as (context) => ({ tenantId: context.switchToHttp().getRequest().user.tenant }).',
    );
  }
  const ofQueries = namedControllers(structure).find((name) => OF_QUERIES.includes(name));
  if (ofQueries !== undefined && options.query === undefined) {
    throw new InvalidOptionsError(
      'query',
      `is missing: \`controllers.include\` names ${ofQueries}. Say which tables may be queried, as in { tables: { orders: {} } }.`,
    );
  }
  if (typeof bindEntityManager !== 'boolean') {
    throw new InvalidOptionsError('bindEntityManager', 'must be true or false');
  }
  return Object.freeze({
    resolver: toResolver(resolver),
    schemaFor,
    directory: toDirectory(options.directory),
    directoryCache: resolveNumbers('directoryCache', options.directoryCache, DIRECTORY_CACHE),
    bindEntityManager,
    limits: toLimits(options.limits),
    connections: toConnectionLimits(options.connections),
    migrator: toMigratorOptions(options.migrator),
    query: options.query === undefined ? undefined : resolveQueryOptions(options.query),
  });
}

/** Checks the options that shape the module, as they are written in forRoot or forRootAsync. */
export function checkStructure(structure: PrismiqStructure, entry: Entry): void {
  if (typeof structure !== 'object' || structure === null) {
    throw new InvalidOptionsError(entry, 'must be called with an object of options; {} takes all defaults');
  }
  if (entry === 'forRootAsync') {
    for (const option of VALUES.filter((value) => value in structure)) {
      throw new InvalidOptionsError(option, 'must be returned by the factory of forRootAsync, not stand beside it');
    }
  }
  assertKnown(structure, [...STRUCTURE, ...(entry === 'forRoot' ? VALUES : SOURCES)]);
  const { contextName, isGlobal } = structure;
  if (contextName !== undefined && (typeof contextName !== 'string' || contextName === '')) {
    throw new InvalidOptionsError('contextName', 'must be the name of a MikroORM instance, or be left out');
  }
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean') {
    throw new InvalidOptionsError('isGlobal', 'must be true or false');
  }
  resolveControllers(structure);
}

/** The controllers' options, with defaults applied. */
export interface ResolvedControllersOptions {
  /** Without slashes around it. */
  path: string;
  version: PrismiqControllersOptions['version'];
  guards: NonNullable<PrismiqControllersOptions['guards']>;
  interceptors: NonNullable<PrismiqControllersOptions['interceptors']>;
  decorators: ClassDecorator[];
  include: PrismiqControllerName[];
}

const CONTROLLERS: PrismiqControllerName[] = ['dashboards', 'widgets', 'saved-queries', 'schema', 'queries', 'llm'];

/** They have no routes where nothing can be queried. */
const OF_QUERIES: PrismiqControllerName[] = ['schema', 'queries', 'llm'];

/** @returns undefined if no controllers are mounted */
export function resolveControllers({ controllers = false }: PrismiqStructure): ResolvedControllersOptions | undefined {
  if (controllers === false) {
    return undefined;
  }
  if (controllers !== true && (typeof controllers !== 'object' || controllers === null)) {
    throw new InvalidOptionsError('controllers', 'must be true, false, or an object such as { path: "api/prismiq" }');
  }
  const options = controllers === true ? {} : controllers;
  assertKnown(options, ['path', 'version', 'guards', 'interceptors', 'decorators', 'include'], 'controllers.');
  const { path = 'prismiq', version, guards = [], interceptors = [], decorators = [], include = CONTROLLERS } = options;
  if (typeof path !== 'string') {
    throw new InvalidOptionsError('controllers.path', 'must be a string such as "api/prismiq"');
  }
  if (version !== undefined && ![version].flat().every(isVersion)) {
    throw new InvalidOptionsError('controllers.version', 'must be a string, VERSION_NEUTRAL, or an array of these');
  }
  assertList('guards', guards, (guard) => guard != null, 'guards, as for @UseGuards()');
  assertList('interceptors', interceptors, (one) => one != null, 'interceptors, as for @UseInterceptors()');
  assertList('decorators', decorators, (decorator) => typeof decorator === 'function', 'class decorators');
  assertList('include', include, (name) => CONTROLLERS.includes(name), `names, of ${CONTROLLERS.join(', ')}`);
  return { path: path.split('/').filter(Boolean).join('/'), version, guards, interceptors, decorators, include };
}

/** The controllers that the host has named itself. */
const namedControllers = ({ controllers }: PrismiqStructure): PrismiqControllerName[] =>
  typeof controllers === 'object' ? (controllers.include ?? []) : [];

/** What is mounted where nothing can be queried. */
export const withoutQueries = (options: ResolvedControllersOptions): ResolvedControllersOptions => ({
  ...options,
  include: options.include.filter((name) => !OF_QUERIES.includes(name)),
});

/** VERSION_NEUTRAL is a symbol. */
const isVersion = (version: unknown): boolean =>
  (typeof version === 'string' && version !== '') || version === VERSION_NEUTRAL;

function assertList<T>(option: string, list: T[], isValid: (item: T) => boolean, what: string): void {
  if (!Array.isArray(list) || !list.every(isValid)) {
    throw new InvalidOptionsError(`controllers.${option}`, `must be an array of ${what}`);
  }
}

/** The default of a number, and its bounds. */
type NumberOption = [byDefault: number, min: number, max: number];

const MEBIBYTE = 1024 * 1024;

const LIMITS = {
  widgetsPerDashboard: [DEFAULT_LIMITS.widgetsPerDashboard, 1, 1000],
  documentBytes: [DEFAULT_LIMITS.documentBytes, 1, 64 * MEBIBYTE],
  dashboardBytes: [DEFAULT_LIMITS.dashboardBytes, 1, 64 * MEBIBYTE],
  readBytes: [DEFAULT_LIMITS.readBytes, 1, 256 * MEBIBYTE],
} satisfies Record<keyof PrismiqLimits, NumberOption>;

function toLimits(limits: PrismiqLimits | undefined): Limits {
  const checked = resolveNumbers('limits', limits, LIMITS);
  if (checked.readBytes < checked.dashboardBytes) {
    throw new InvalidOptionsError(
      'limits.readBytes',
      `must be at least limits.dashboardBytes (${checked.dashboardBytes}): a dashboard that was stored could not be read`,
    );
  }
  return checked;
}

const CONNECTIONS = {
  perTenant: [1, 1, 1000],
  waitTimeoutMs: [5000, 1, 600_000],
  lockTimeoutMs: [3000, 1, 600_000],
  statementTimeoutMs: [10_000, 1, 600_000],
} satisfies Record<keyof PrismiqConnectionOptions, NumberOption>;

function toConnectionLimits(connections: PrismiqConnectionOptions | undefined): ConnectionLimits {
  const checked = resolveNumbers('connections', connections, CONNECTIONS);
  // The default depends on the pool, which is not known here.
  return Object.freeze({ ...checked, perTenant: connections?.perTenant && checked.perTenant });
}

const DAY = 24 * 60 * 60 * 1000;

const DIRECTORY_CACHE = {
  ttlMs: [30_000, 0, DAY],
  negativeTtlMs: [5000, 0, DAY],
  maxEntries: [10_000, 1, 10_000_000],
  timeoutMs: [5000, 1, DAY],
} satisfies Record<keyof PrismiqDirectoryCacheOptions, NumberOption>;

function resolveNumbers<Name extends string>(
  option: string,
  given: Partial<Record<Name, number | undefined>> = {},
  known: Record<Name, NumberOption>,
): Readonly<Record<Name, number>> {
  const names = Object.keys(known) as Name[];
  if (typeof given !== 'object' || given === null) {
    throw new InvalidOptionsError(option, `must be an object such as { ${names[0]}: ${known[names[0]!][0]} }`);
  }
  assertKnown(given, names, `${option}.`);
  const entries = names.map((name) => {
    const [byDefault, min, max] = known[name];
    const value = given[name] ?? byDefault;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidOptionsError(`${option}.${name}`, `must be a whole number from ${min} to ${max}`);
    }
    return [name, value];
  });
  return Object.freeze(Object.fromEntries(entries) as Record<Name, number>);
}

const MIGRATOR = [
  'migrations',
  'rings',
  'searchPath',
  'lockTimeoutMs',
  'statementTimeoutMs',
  'retries',
  'citusSchemaBasedSharding',
] satisfies (keyof PrismiqMigratorOptions)[];

/** TenantMigrator, which is created when the application starts, checks the values. */
function toMigratorOptions(migrator: PrismiqMigratorOptions = {}): PrismiqMigratorOptions {
  if (typeof migrator !== 'object' || migrator === null) {
    throw new InvalidOptionsError('migrator', 'must be an object such as { rings: ["canary"] }');
  }
  assertKnown(migrator, MIGRATOR, 'migrator.');
  return migrator;
}

function toDirectory(directory: PrismiqOptions['directory']): TenantDirectoryFactory {
  if (directory === undefined) {
    return tenantsFromCatalog();
  }
  if (typeof directory === 'function' && !isClass(directory)) {
    return directory;
  }
  if (typeof directory === 'object' && typeof directory?.find === 'function' && typeof directory.list === 'function') {
    return () => directory;
  }
  throw new InvalidOptionsError(
    'directory',
    'must be tenantsFromCatalog(), tenantsFromList([…]), tenantsFromQuery("SELECT …"), or an object with the functions find and ' +
      'list. For a class that Nest instantiates use ' +
      'forRootAsync({ inject: [MyDirectory], useFactory: (directory) => ({ directory }) }).',
  );
}

function toResolver(resolver: PrismiqOptions['resolver']): TenantResolver {
  if (resolver === undefined) {
    return new NoTenantResolver();
  }
  if (typeof resolver === 'function' && !isClass(resolver)) {
    return new FunctionTenantResolver(resolver);
  }
  if (typeof resolver === 'object' && typeof resolver?.resolve === 'function') {
    return resolver;
  }
  throw new InvalidOptionsError(
    'resolver',
    'must be a function or a TenantResolver instance. For a class that Nest instantiates use ' +
      'forRootAsync({ inject: [MyResolver], useFactory: (resolver) => ({ resolver }) }).',
  );
}

const isClass = (value: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(value));

function assertKnown(options: object, known: string[], prefix = ''): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new InvalidOptionsError(`${prefix}${unknown}`, `is unknown. Known are ${known.join(', ')}.`);
  }
}
