import { readFilters, readLayout } from '../documents/dashboard.documents.js';
import { isWidgetType } from '../documents/widget.documents.js';
import type { Dashboard, DashboardSummary, SavedQuery, Widget } from './records.js';

/**
 * Times are read as seconds since 1970: what a driver makes of a timestamp depends on its settings and on the session's time zone.
 * By date_part, whose double is exact to the microsecond and made much faster than the numeric of extract.
 */
const epoch = (column: string) => `date_part('epoch', ${column})`;

/** Microseconds since 1970, exactly. */
export const toMicroseconds = (seconds: number): number => Math.round(seconds * 1_000_000);

const toDate = (seconds: number): Date => new Date(Math.floor(toMicroseconds(seconds) / 1000));

type Row<T> = Omit<T, 'createdAt' | 'updatedAt' | 'widgets'> & { createdAt: number; updatedAt: number };
export type WidgetRow = Row<Widget>;
export type DashboardRow = Row<Dashboard> & { widgets: WidgetRow[] };
export type SavedQueryRow = Row<SavedQuery>;
export type DashboardSummaryRow = Row<DashboardSummary>;

/** The select list of a dashboard `d` without its widgets. */
export const DASHBOARD_COLUMNS = `d.id, d.name, d.description, d.layout, d.filters, d.owner_id AS "ownerId",
  d.is_public AS "isPublic", d.allowed_viewers AS "allowedViewers", d.version,
  ${epoch('d.created_at')} AS "createdAt", ${epoch('d.updated_at')} AS "updatedAt"`;

/** The select list of a summary of a dashboard `d`. */
export const summaryColumns = (widgetsTable: string) => `d.id, d.name, d.description, d.owner_id AS "ownerId",
  d.is_public AS "isPublic", d.allowed_viewers AS "allowedViewers",
  (SELECT count(*)::int FROM ${widgetsTable} w WHERE w.dashboard_id = d.id) AS "widgetCount", d.version,
  ${epoch('d.created_at')} AS "createdAt", ${epoch('d.updated_at')} AS "updatedAt"`;

/** The select list of a widget `w`. */
export const WIDGET_COLUMNS = `w.id, w.type, w.title, w.query, w.position, w.config,
  ${epoch('w.created_at')} AS "createdAt", ${epoch('w.updated_at')} AS "updatedAt"`;

/** The widgets of a dashboard `d` as one JSON array: a single statement reads dashboards with all that is on them. */
export const widgetsOf = (widgetsTable: string) =>
  `(SELECT coalesce(json_agg(w), '[]') FROM (
    SELECT ${WIDGET_COLUMNS} FROM ${widgetsTable} w WHERE w.dashboard_id = d.id) w) AS widgets`;

/** The select list of a saved query `q`. */
export const SAVED_QUERY_COLUMNS = `q.id, q.tenant_id AS "tenantId", q.name, q.description, q.query, q.owner_id AS "ownerId",
  q.is_shared AS "isShared", q.version,
  ${epoch('q.created_at')} AS "createdAt", ${epoch('q.updated_at')} AS "updatedAt"`;

/** In place: the row is nobody else's, and a list has many. */
const withDates = <T extends { createdAt: number; updatedAt: number }>(row: T) =>
  Object.assign(row as Omit<T, 'createdAt' | 'updatedAt'>, {
    createdAt: toDate(row.createdAt),
    updatedAt: toDate(row.updatedAt),
  });

export function toWidget(row: WidgetRow): Widget {
  const widget: Widget = withDates(row);
  const invalid = invalidMembers(widget);
  return invalid.length > 0 ? { ...widget, invalid } : widget;
}

/** Only what a reader stumbles over: the full rules, checked on writing, would cost too much on every read. */
function invalidMembers({ type, query, position, config }: Widget): NonNullable<Widget['invalid']> {
  return [
    ...(isWidgetType(type) ? [] : ['type' as const]),
    ...(query === null || isDocument(query) ? [] : ['query' as const]),
    ...(isPosition(position) ? [] : ['position' as const]),
    ...(isDocument(config) ? [] : ['config' as const]),
  ];
}

const isDocument = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPosition = (value: unknown): boolean =>
  isDocument(value) && ['x', 'y', 'w', 'h'].every((member) => Number.isInteger(value[member]));

export const toDashboardSummary = (row: DashboardSummaryRow): DashboardSummary => withDates(row);

export const toSavedQuery = (row: SavedQueryRow): SavedQuery => withDates(row);

export function toDashboard(row: DashboardRow): Dashboard {
  // Sorted here: in SQL, one stored position that is no number would make the whole list fail.
  const widgets = row.widgets
    .map(toWidget)
    .sort((a, b) => grid(a.position?.y, b.position?.y) || grid(a.position?.x, b.position?.x));
  const invalid = [
    ...(isDocument(row.layout) ? [] : ['layout' as const]),
    ...(Array.isArray(row.filters) && row.filters.every(isDocument) ? [] : ['filters' as const]),
  ];
  return {
    ...withDates(row),
    layout: readLayout(row.layout),
    filters: readFilters(row.filters),
    widgets,
    ...(invalid.length > 0 ? { invalid } : {}),
  };
}

const grid = (a: unknown, b: unknown): number => (Number(a) || 0) - (Number(b) || 0);
