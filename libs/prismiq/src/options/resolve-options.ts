import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { FunctionTenantResolver, NoTenantResolver, type TenantResolver } from '../tenancy/tenant-resolver.js';
import { defaultSchemaFor } from '../tenancy/tenant.js';
import type { PrismiqConfig } from './prismiq-config.js';
import type { PrismiqControllersOptions, PrismiqOptions, PrismiqStructure } from './prismiq-options.js';

const VALUES = ['resolver', 'schemaFor'];
const STRUCTURE = ['isGlobal', 'contextName', 'controllers', 'imports'];
const SOURCES = ['useFactory', 'useClass', 'useExisting', 'inject'];

/** Checks the options that are values; `structure` holds the others, since some only make sense together. */
export function resolveOptions(options: PrismiqOptions, structure: PrismiqStructure): PrismiqConfig {
  assertKeys(options, VALUES, STRUCTURE);
  const { resolver, schemaFor = defaultSchemaFor } = options;
  if (typeof schemaFor !== 'function') {
    throw new InvalidOptionsError('schemaFor', 'must be a function from a tenant id to a schema name');
  }
  if (resolver === undefined && controllersOf(structure) !== undefined) {
    throw new InvalidOptionsError(
      'resolver',
      'is missing: `controllers` are mounted, and nothing says to which tenant a request belongs. ' +
        'Give a function such as (context) => ({ tenantId: context.switchToHttp().getRequest().user.tenant }).',
    );
  }
  return Object.freeze({ resolver: toResolver(resolver), schemaFor });
}

/** Checks the options that shape the module, as they are written in forRoot or forRootAsync. */
export function checkStructure(structure: PrismiqStructure, entry: 'forRoot' | 'forRootAsync'): void {
  assertKeys(structure, [...STRUCTURE, ...(entry === 'forRoot' ? VALUES : SOURCES)], []);
  const { contextName, isGlobal } = structure;
  if (contextName !== undefined && (typeof contextName !== 'string' || contextName === '')) {
    throw new InvalidOptionsError('contextName', 'must be the name of a MikroORM instance, or be left out');
  }
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean') {
    throw new InvalidOptionsError('isGlobal', 'must be true or false');
  }
  controllersOf(structure);
}

/** The controllers' options with defaults applied; `undefined`: none are mounted. */
export function controllersOf({
  controllers = false,
}: PrismiqStructure): Required<PrismiqControllersOptions> | undefined {
  if (controllers === false) {
    return undefined;
  }
  if (controllers !== true && (typeof controllers !== 'object' || controllers === null)) {
    throw new InvalidOptionsError('controllers', 'must be true, false, or an object such as { path: "api/prismiq" }');
  }
  const { path = 'prismiq', guards = [], ...unknown } = controllers === true ? {} : controllers;
  assertKeys(unknown, [], [], 'controllers.');
  if (typeof path !== 'string') {
    throw new InvalidOptionsError('controllers.path', 'must be a string such as "api/prismiq"');
  }
  if (!Array.isArray(guards) || guards.some((guard) => guard == null)) {
    throw new InvalidOptionsError('controllers.guards', 'must be an array of guards, as for @UseGuards()');
  }
  return { path, guards };
}

function toResolver(resolver: PrismiqOptions['resolver']): TenantResolver {
  if (resolver === undefined) {
    return new NoTenantResolver();
  }
  if (typeof resolver === 'function' && resolver.prototype?.resolve === undefined) {
    return new FunctionTenantResolver(resolver);
  }
  if (typeof resolver === 'object' && typeof resolver?.resolve === 'function') {
    return resolver;
  }
  throw new InvalidOptionsError(
    'resolver',
    'must be a function or a TenantResolver instance. For a class that Nest shall instantiate use ' +
      'forRootAsync({ inject: [MyResolver], useFactory: (resolver) => ({ resolver }) }).',
  );
}

function assertKeys(options: object, known: string[], misplaced: string[], prefix = ''): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionsError('useFactory', 'must return an object with options');
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key) && misplaced.includes(key) && (options as Record<string, unknown>)[key] !== undefined) {
      throw new InvalidOptionsError(
        key,
        'cannot come from a factory: it shapes the module. Move it to forRootAsync itself, beside the factory.',
      );
    }
    if (!known.includes(key) && !misplaced.includes(key)) {
      throw new InvalidOptionsError(
        `${prefix}${key}`,
        `is unknown${known.length > 0 ? `. Known are ${known.join(', ')}` : ''}`,
      );
    }
  }
}
