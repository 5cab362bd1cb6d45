import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { FunctionTenantResolver, NoTenantResolver, type TenantResolver } from '../tenancy/tenant-resolver.js';
import { defaultSchemaFor } from '../directory/schema-for.js';
import type { TenantDirectoryFactory } from '../directory/tenant-directory.js';
import { resolveQueryOptions } from '../query/options/resolve-query-options.js';
import { tenantsFromCatalog } from '../directory/tenants-from-catalog.js';
import { MIGRATOR_OPTIONS } from '../migrator/check-options.js';
import type { PrismiqConfig } from './prismiq-config.js';
import type { PrismiqMigratorOptions, PrismiqOptions, PrismiqStructure } from './prismiq-options.js';
import { assertKnown, assertMembers } from './check-members.js';
import { findQueryController, resolveControllers } from './resolve-controllers.js';
import { toConnectionLimits, toDirectoryCache, toLimits } from './resolve-numbers.js';

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
        'cannot come from a factory: it shapes the module. Move it to forRootAsync itself, next to the factory.',
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
  const queryController = findQueryController(structure);
  if (queryController !== undefined && options.query === undefined) {
    throw new InvalidOptionsError(
      'query',
      `is missing: \`controllers.include\` names ${queryController}. Say which tables may be queried, as in { tables: { orders: {} } }.`,
    );
  }
  if (typeof bindEntityManager !== 'boolean') {
    throw new InvalidOptionsError('bindEntityManager', 'must be true or false');
  }
  return Object.freeze({
    resolver: toResolver(resolver),
    schemaFor,
    directory: toDirectory(options.directory),
    directoryCache: toDirectoryCache(options.directoryCache),
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
      throw new InvalidOptionsError(option, 'must be returned by the factory of forRootAsync, not given next to it');
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

/** TenantMigrator, which is created when the application starts, checks the values. */
function toMigratorOptions(migrator: PrismiqMigratorOptions = {}): PrismiqMigratorOptions {
  const known = Object.keys(MIGRATOR_OPTIONS).filter((option) => option !== 'directory' && option !== 'schemaFor');
  assertMembers('migrator', migrator, known, 'must be an object such as { rings: ["canary"] }');
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
