import type { DashboardFilter } from '../../documents/dashboard.documents.js';
import type { FilterValue } from '../dashboard-filters/merge-filters.js';

/** @publicApi */
export interface RunQueryOptions {
  /**
   * The most rows of the result; a lower limit of the query's own remains.
   * @default none
   */
  limit?: number | undefined;
  /**
   * Whether results come from the cache, and are stored there.
   * @default true
   */
  cache?: boolean | undefined;
  /**
   * Whether to run the query even if its result is cached. The new result is stored.
   * @default false
   */
  bypassCache?: boolean | undefined;
  /** Cancels the statement when it is aborted; the call fails with the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** @publicApi */
export interface RunWidgetOptions extends Omit<RunQueryOptions, 'limit'> {
  /**
   * Values of the dashboard's filters. A filter that is not among them has its default value.
   * @default []
   */
  filterValues?: readonly FilterValue[] | undefined;
}

/** @publicApi */
export interface RunSqlOptions {
  /**
   * The values of `:name` in the text: texts, numbers, booleans, null, and lists of these.
   * @default {}
   */
  params?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Filters that apply to all tables of the text that have their column.
   * @default []
   */
  filters?: readonly DashboardFilter[] | undefined;
  /** @default [] */
  filterValues?: readonly FilterValue[] | undefined;
  /** Cancels the statement when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** @publicApi */
export interface TimeSeriesOptions {
  /** `minute`, `hour`, `day`, `week`, `month`, `quarter` or `year`. */
  interval: string;
  dateColumn: string;
  /**
   * Whether rows are added for periods without any.
   * @default true
   */
  fillMissing?: boolean | undefined;
}

/** What became of the check of a text in SQL. @publicApi */
export interface SqlValidation {
  valid: boolean;
  errors: string[];
  /** The tables that it reads, sorted; none if it is not valid. */
  tables: string[];
}

/** A query as the statement that would run. @publicApi */
export interface CompiledStatement {
  /** With placeholders `$1`, `$2`, …. */
  sql: string;
  parameters: readonly unknown[];
  /** The names of the result's columns. */
  columns: string[];
  /** What was left out of the query. */
  warnings: string[];
}
