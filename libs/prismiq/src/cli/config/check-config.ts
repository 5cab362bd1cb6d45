import { nearest } from '../nearest.js';
import { UsageError } from '../errors.js';
import type { PrismiqCliConfig } from './cli-config.js';

type Check = readonly [isFine: (value: unknown) => boolean, must: string];

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (value: unknown, isMember: (member: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isMember);
const isListOfNames = (value: unknown): boolean => isListOf(value, (name) => typeof name === 'string' && name !== '');
const isWhole = (min: number) => (value: unknown) => Number.isInteger(value) && (value as number) >= min;

const CHECKS: { readonly [Name in keyof Required<PrismiqCliConfig>]: Check } = {
  database: [
    (value) => typeof value === 'string' || isFunction(value) || isObject(value),
    'must be the options of your MikroORM, a MikroORM instance, a connection string, or a function that gives one of them',
  ],
  directory: [
    (value) => isFunction(value) || (isObject(value) && isFunction((value as { list?: unknown }).list)),
    'must be a TenantDirectory (an object with find() and list()), or what tenantsFromCatalog(), tenantsFromList() or ' +
      'tenantsFromQuery() returns',
  ],
  schemaFor: [isFunction, 'must be a function from a tenant id to a schema name'],
  migrations: [
    (value) => isListOf(value, (source) => isObject(source) && isFunction((source as { load?: unknown }).load)),
    'must be an array of what prismiqMigrations() and hostMigrations({ … }) return',
  ],
  rings: [isListOfNames, 'must be an array of names, the first ring first, such as ["canary"]'],
  searchPath: [isListOfNames, 'must be an array of schema names'],
  lockTimeoutMs: [isWhole(1), 'must be a number of milliseconds, such as 3000'],
  statementTimeoutMs: [isWhole(0), 'must be a number of milliseconds, such as 300000; 0 is without limit'],
  retries: [isWhole(0), 'must be a whole number; 0: a tenant is tried once'],
  citusSchemaBasedSharding: [(value) => typeof value === 'boolean', 'must be true or false, or be left out'],
  concurrency: [isWhole(1), 'must be a whole number from 1 on'],
  onError: [(value) => value === 'stop' || value === 'continue', 'must be "stop" or "continue"'],
  maxFailures: [(value) => value === Infinity || isWhole(1)(value), 'must be a whole number from 1 on'],
  betweenRings: [isFunction, 'must be a function, which is called between two rings'],
};

/**
 * Checks what a configuration file exports.
 *
 * @throws UsageError that names the option
 */
export function checkConfig(exported: unknown, file: string): PrismiqCliConfig {
  if (!isObject(exported)) {
    throw new UsageError(
      `${file} must export an object by default: export default definePrismiqConfig({ … }). A function can stand in \`database\`.`,
    );
  }
  const names = Object.keys(CHECKS);
  for (const [name, value] of Object.entries(exported as object)) {
    const check: Check | undefined = CHECKS[name as keyof PrismiqCliConfig];
    if (check === undefined) {
      const hint = nearest(name, names);
      throw new UsageError(
        `${file}: option \`${name}\` is unknown. ${hint === undefined ? `Known are ${names.join(', ')}.` : `Did you mean \`${hint}\`?`}`,
      );
    }
    if (value !== undefined && !check[0](value)) {
      throw new UsageError(`${file}: option \`${name}\` ${check[1]}.`);
    }
  }
  return exported as PrismiqCliConfig;
}
