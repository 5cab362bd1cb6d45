import { DocumentTooLargeError } from '../errors/record.errors.js';

/** How much may be stored, and read at a time. Bytes are those of JSON text in UTF-8. */
export interface Limits {
  readonly widgetsPerDashboard: number;
  /** Of one document: a description, a query, a config, the filters of a dashboard. */
  readonly documentBytes: number;
  /** Of a dashboard with its widgets. */
  readonly dashboardBytes: number;
  /** Of what one call reads: a record or a list. At least `dashboardBytes`, so that what was written can be read. */
  readonly readBytes: number;
}

const MEBIBYTE = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = Object.freeze({
  widgetsPerDashboard: 200,
  documentBytes: MEBIBYTE / 4,
  dashboardBytes: 4 * MEBIBYTE,
  readBytes: 16 * MEBIBYTE,
});

interface Sized {
  description?: unknown;
  filters?: unknown;
  query?: unknown;
  config?: unknown;
  widgets?: readonly Sized[] | undefined;
}

/**
 * Checks the documents of a widget or a saved query.
 *
 * @throws DocumentTooLargeError
 */
export function assertSize(record: Sized, limits: Limits): void {
  measureDocuments(record, limits);
}

/**
 * Checks the documents of a dashboard and its widgets, and their sum. What the dashboard will be as a whole, only its row can tell.
 *
 * @throws DocumentTooLargeError
 */
export function assertDashboardSize(dashboard: Sized, limits: Limits): void {
  assertWidgetCount(dashboard.widgets?.length ?? 0, limits);
  assertDashboardBytes(measureDocuments(dashboard, limits), limits);
}

/** @throws DocumentTooLargeError */
export function assertWidgetCount(count: number, { widgetsPerDashboard }: Limits): void {
  if (count > widgetsPerDashboard) {
    throw new DocumentTooLargeError('the dashboard', count, widgetsPerDashboard, 'widgets');
  }
}

/** @throws DocumentTooLargeError */
export function assertDashboardBytes(bytes: number, { dashboardBytes }: Limits): void {
  if (bytes > dashboardBytes) {
    throw new DocumentTooLargeError('the dashboard', bytes, dashboardBytes, 'bytes');
  }
}

function measureDocuments(record: Sized, limits: Limits): number {
  let total = 0;
  for (const member of ['description', 'filters', 'query', 'config'] as const) {
    const bytes = record[member] == null ? 0 : Buffer.byteLength(JSON.stringify(record[member]));
    if (bytes > limits.documentBytes) {
      throw new DocumentTooLargeError(`\`${member}\``, bytes, limits.documentBytes, 'bytes');
    }
    total += bytes;
  }
  return (record.widgets ?? []).reduce((sum, widget) => sum + measureDocuments(widget, limits), total);
}
