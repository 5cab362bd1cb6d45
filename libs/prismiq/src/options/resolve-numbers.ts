import { DEFAULT_LIMITS, type Limits } from '../documents/limits.js';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import type { ConnectionLimits } from '../repositories/tenant-database.js';
import { assertMembers } from './check-members.js';
import type { PrismiqConnectionOptions, PrismiqDirectoryCacheOptions, PrismiqLimits } from './prismiq-options.js';

/** The default of a number, and its bounds. */
type NumberOption = [byDefault: number, min: number, max: number];

const MEBIBYTE = 1024 * 1024;

const LIMITS = {
  widgetsPerDashboard: [DEFAULT_LIMITS.widgetsPerDashboard, 1, 1000],
  documentBytes: [DEFAULT_LIMITS.documentBytes, 1, 64 * MEBIBYTE],
  dashboardBytes: [DEFAULT_LIMITS.dashboardBytes, 1, 64 * MEBIBYTE],
  readBytes: [DEFAULT_LIMITS.readBytes, 1, 256 * MEBIBYTE],
} satisfies Record<keyof PrismiqLimits, NumberOption>;

export function toLimits(limits: PrismiqLimits | undefined): Limits {
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

export function toConnectionLimits(connections: PrismiqConnectionOptions | undefined): ConnectionLimits {
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

export const toDirectoryCache = (cache: PrismiqDirectoryCacheOptions | undefined) =>
  resolveNumbers('directoryCache', cache, DIRECTORY_CACHE);

function resolveNumbers<Name extends string>(
  option: string,
  given: Partial<Record<Name, number | undefined>> = {},
  known: Record<Name, NumberOption>,
): Readonly<Record<Name, number>> {
  const names = Object.keys(known) as Name[];
  assertMembers(option, given, names, `must be an object such as { ${names[0]}: ${known[names[0]!][0]} }`);
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
