import { z } from 'zod';
import { InvalidOptionsError } from '../../errors/configuration.errors.js';
import { isTimeZone } from '../dates/time-zone.js';
import { COLUMN_FORMATS } from './column-format.js';
import type { PrismiqQueryOptions } from './query-options.js';
import type { QueryCacheStore } from './query-cache-store.js';
import type { PrismiqQueryDatabase, PrismiqSqlModeOptions } from './run-options.js';

const DAY_MS = 24 * 60 * 60 * 1000;

const fn = <T>() => z.custom<T>((value) => typeof value === 'function', 'must be a function');

const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as "Europe/Berlin"');
const fiscalYearStartMonth = z.int().min(1).max(12);

const visibility = {
  displayName: z.string().optional(),
  description: z.string().optional(),
  hidden: z.boolean().default(false),
  roles: z.array(z.string()).readonly().optional(),
};

const column = z.strictObject({
  ...visibility,
  format: z.enum(COLUMN_FORMATS).optional(),
  dateFormat: z.string().optional(),
});

const table = z.strictObject({ ...visibility, columns: z.record(z.string(), column).default({}) });

const milliseconds = z.int().min(1).max(DAY_MS);
const bytes = z
  .int()
  .min(1)
  .max(2 ** 30);
const count = z.int().min(1).max(1000);

const limits = z.strictObject({
  timeoutMs: milliseconds.default(30_000),
  resultBytes: bytes.default(16 * 2 ** 20),
  concurrency: count.optional(),
  perTenant: count.optional(),
  waitTimeoutMs: milliseconds.default(15_000),
  lockTimeoutMs: milliseconds.default(1000),
});

const cache = z.strictObject({
  store: z.custom<QueryCacheStore>(
    hasMethods('get', 'set', 'delete'),
    'must have the methods get, set and delete, as a Keyv instance has',
  ),
  ttlMs: milliseconds.default(60_000),
  entryBytes: bytes.default(2 ** 20),
  tenantBytes: bytes.default(32 * 2 ** 20),
});

const sqlMode = z.strictObject({
  mayRun: fn<PrismiqSqlModeOptions['mayRun']>(),
  isEnabled: fn<NonNullable<PrismiqSqlModeOptions['isEnabled']>>().default(() => () => true),
  functions: z
    .array(z.string())
    .default([])
    .transform((names): ReadonlySet<string> => new Set(names)),
});

const database = z.custom<PrismiqQueryDatabase>(
  (value) =>
    typeof value === 'string'
      ? /^postgres(ql)?:\/\/./.test(value) && URL.canParse(value)
      : isPool(value) || isMikroOrm(value),
  'must be a pg Pool, a MikroORM instance, or a URL such as postgres://user:password@host:5432/database',
);

const queryOptions = z.strictObject({
  tables: z.record(z.string(), table).superRefine((tables, context) => {
    for (const name of Object.keys(tables).filter(isInternal)) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'a table of migrations or of Prismiq cannot be exposed',
      });
    }
  }),
  rowFilter: fn<NonNullable<PrismiqQueryOptions['rowFilter']>>().optional(),
  resolveRole: fn<NonNullable<PrismiqQueryOptions['resolveRole']>>().default(() => () => undefined),
  timeZone: z
    .union([timeZone, fn<Extract<PrismiqQueryOptions['timeZone'], (...args: never) => unknown>>()])
    .default('UTC'),
  fiscalYearStartMonth: z
    .union([
      fiscalYearStartMonth,
      fn<Extract<PrismiqQueryOptions['fiscalYearStartMonth'], (...args: never) => unknown>>(),
    ])
    .default(1),
  clock: fn<NonNullable<PrismiqQueryOptions['clock']>>().default(() => () => new Date()),
  maximumRows: z.int().min(1).max(1_000_000).default(10_000),
  resultNames: z.enum(['column', 'postgres']).default('column'),
  schemaCache: z
    .strictObject({
      ttlMs: z.int().min(0).max(DAY_MS).default(3_600_000),
      maxEntries: z.int().min(1).max(10_000_000).default(10_000),
    })
    .prefault({}),
  database: database.optional(),
  limits: limits.prefault({}),
  cache: cache.optional(),
  sqlMode: sqlMode.optional(),
});

/** The `query` option, checked, with defaults applied. */
export type QueryConfig = Readonly<z.output<typeof queryOptions>>;

export type TableVisibility = QueryConfig['tables'][string];
export type ColumnVisibility = TableVisibility['columns'][string];

/** @throws InvalidOptionsError */
export function resolveQueryOptions(options: PrismiqQueryOptions): QueryConfig {
  const result = queryOptions.safeParse(options);
  if (!result.success) {
    const [{ path, message }] = result.error.issues as [z.core.$ZodIssue];
    throw new InvalidOptionsError(['query', ...path].join('.'), `is not valid: ${message}`);
  }
  return Object.freeze(result.data);
}

const isInternal = (table: string): boolean => table.startsWith('prismiq_') || table === 'mikro_orm_migrations';

function hasMethods(...names: string[]) {
  return (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

function isPool(value: unknown): boolean {
  return hasMethods('connect', 'query')(value) && 'totalCount' in (value as object);
}

function isMikroOrm(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'em' in value && 'driver' in value;
}
