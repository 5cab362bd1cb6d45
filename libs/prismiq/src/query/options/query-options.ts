import type { Clock } from '../dates/calendar.js';
import type { ColumnFormat } from './column-format.js';
import type { QueryViewer, RowFilter } from './row-filter.js';
import type {
  PrismiqQueryCacheOptions,
  PrismiqQueryDatabase,
  PrismiqQueryLimits,
  PrismiqSqlModeOptions,
} from './run-options.js';

/**
 * Which of the tenants' tables their users may query, and how. Without it nothing can be queried.
 *
 * @publicApi
 */
export interface PrismiqQueryOptions {
  /**
   * The tables that may be queried, by name. They are looked up in the tenant's schema; tables that are not named here, and
   * Prismiq's own, do not exist for a query.
   *
   * @example { orders: { columns: { margin: { hidden: true } } }, customers: {} }
   */
  tables: Record<string, PrismiqTableOptions>;

  /**
   * Which rows of a table a viewer may see.
   * @default all rows of the exposed tables
   */
  rowFilter?: RowFilter | undefined;

  /**
   * The role of a viewer, for the `roles` of tables and columns.
   * @default undefined: what has `roles` is visible to nobody
   */
  resolveRole?: ((viewer: QueryViewer) => string | undefined) | undefined;

  /**
   * The IANA time zone in which days begin and dates are truncated: one for all tenants, or by tenant.
   * @default 'UTC'
   */
  timeZone?: string | ((viewer: QueryViewer) => string) | undefined;

  /**
   * The month in which the fiscal year starts, 1 to 12: one for all tenants, or by tenant.
   * @default 1
   */
  fiscalYearStartMonth?: number | ((viewer: QueryViewer) => number) | undefined;

  /**
   * Returns the current time, which decides which day is today.
   * @default () => new Date()
   */
  clock?: Clock | undefined;

  /**
   * The most rows of a result, 1 to 1000000.
   * @default 10000
   */
  maximumRows?: number | undefined;

  /**
   * How columns without an alias are named in a result: by their column, as Prismiq's client expects, or as PostgreSQL does, by the
   * aggregate function, for widgets that were made for that.
   * @default 'column'
   */
  resultNames?: 'column' | 'postgres' | undefined;

  /** How long the tables of a tenant are remembered. */
  schemaCache?: PrismiqSchemaCacheOptions | undefined;

  /**
   * Where queries run, such as a read replica, or the same database as a role that may only read.
   * @default the MikroORM of the registration
   */
  database?: PrismiqQueryDatabase | undefined;

  /** How much a query, and a tenant, may use. */
  limits?: PrismiqQueryLimits | undefined;

  /**
   * Where results are kept for a short time.
   * @default undefined: every query is run
   */
  cache?: PrismiqQueryCacheOptions | undefined;

  /**
   * Whether, and for whom, there are queries in SQL.
   * @default undefined: there are none
   */
  sqlMode?: PrismiqSqlModeOptions | undefined;
}

/** @publicApi */
export interface PrismiqTableOptions {
  /** @default none: its name is shown */
  displayName?: string | undefined;
  /** @default none */
  description?: string | undefined;
  /**
   * Whether the table does not exist for queries.
   * @default false
   */
  hidden?: boolean | undefined;
  /**
   * The roles of viewers for whom the table exists.
   * @default all viewers
   */
  roles?: readonly string[] | undefined;
  /**
   * What is special about some of its columns, by name. The others are visible.
   * @default {}
   */
  columns?: Record<string, PrismiqColumnOptions> | undefined;
}

/** @publicApi */
export interface PrismiqColumnOptions {
  /** @default none: its name is shown */
  displayName?: string | undefined;
  /** @default none */
  description?: string | undefined;
  /**
   * Whether the column does not exist for queries.
   * @default false
   */
  hidden?: boolean | undefined;
  /**
   * The roles of viewers for whom the column exists.
   * @default all viewers
   */
  roles?: readonly string[] | undefined;
  /** @default none */
  format?: ColumnFormat | undefined;
  /**
   * How dates are shown, e.g. `yyyy-MM-dd`.
   * @default none
   */
  dateFormat?: string | undefined;
}

/** @publicApi */
export interface PrismiqSchemaCacheOptions {
  /**
   * Milliseconds for which the tables of a schema are not read again.
   * @default 3600000 (1 hour)
   */
  ttlMs?: number | undefined;
  /**
   * How many schemas are remembered, each once for every role.
   * @default 10000
   */
  maxEntries?: number | undefined;
}
