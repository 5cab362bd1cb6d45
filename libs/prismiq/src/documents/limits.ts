import { DocumentTooLargeError } from '../errors/record.errors.js';

/** How large what is stored may be. */
export interface Limits {
  readonly widgetsPerDashboard: number;
  /** Of JSON text, in UTF-8. */
  readonly documentBytes: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({ widgetsPerDashboard: 200, documentBytes: 256 * 1024 });

interface Sized {
  filters?: unknown;
  query?: unknown;
  config?: unknown;
  widgets?: readonly Sized[] | undefined;
}

/**
 * Checks the documents of a dashboard, a widget or a saved query.
 *
 * @throws DocumentTooLargeError
 */
export function assertSize(record: Sized, limits: Limits): void {
  for (const member of ['filters', 'query', 'config'] as const) {
    const bytes = record[member] == null ? 0 : Buffer.byteLength(JSON.stringify(record[member]));
    if (bytes > limits.documentBytes) {
      throw new DocumentTooLargeError(`\`${member}\``, bytes, limits.documentBytes, 'bytes');
    }
  }
  assertWidgetCount(record.widgets?.length ?? 0, limits);
  record.widgets?.forEach((widget) => assertSize(widget, limits));
}

/** @throws DocumentTooLargeError */
export function assertWidgetCount(count: number, { widgetsPerDashboard }: Limits): void {
  if (count > widgetsPerDashboard) {
    throw new DocumentTooLargeError('the dashboard', count, widgetsPerDashboard, 'widgets');
  }
}
