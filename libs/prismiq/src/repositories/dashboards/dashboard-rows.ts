import { readFilters, readLayout } from '../../documents/dashboard.documents.js';
import { isDocument, timeColumns, withDates, type Columns, type Stored } from '../json-rows.js';
import type { Dashboard, DashboardSummary } from '../records.js';
import type { TenantScope } from '../tenant-scope.js';
import { toWidgets, widgetsJson } from './widget-rows.js';

export type DashboardRow = Omit<Stored<Dashboard>, 'widgets'> & { widgets: unknown[][] };
export type DashboardSummaryRow = Stored<DashboardSummary>;

const HEAD = {
  id: 'd.id',
  name: 'd.name',
  description: 'd.description',
  ownerId: 'd.owner_id',
  isPublic: 'd.is_public',
  allowedViewers: 'd.allowed_viewers',
  version: 'd.version',
  ...timeColumns('d'),
};

/** Of a dashboard `d` with its widgets. */
export const dashboardColumns = ({ widgets }: TenantScope): Columns<DashboardRow> => ({
  ...HEAD,
  layout: 'd.layout',
  filters: 'd.filters',
  widgets: widgetsJson(widgets),
});

/** Of a summary of a dashboard `d`. */
export const summaryColumns = ({ widgets }: TenantScope): Columns<DashboardSummaryRow> => ({
  ...HEAD,
  widgetCount: `(SELECT count(*) FROM ${widgets} w WHERE w.dashboard_id = d.id)`,
});

/** About how large a dashboard `d` is, by the size of what is stored, without reading it. */
export const storedBytes = ({ widgets }: TenantScope) =>
  `(coalesce(pg_column_size(d.description), 0) + pg_column_size(d.layout) + pg_column_size(d.filters) + coalesce((
    SELECT sum(coalesce(pg_column_size(w.query), 0) + pg_column_size(w.config)) FROM ${widgets} w WHERE w.dashboard_id = d.id), 0))`;

export function toDashboard(row: DashboardRow): Dashboard {
  // Sorted here: in SQL, one stored position that is not a number would make the whole list fail.
  const widgets = toWidgets(row.widgets).sort(
    (a, b) => grid(a.position?.y, b.position?.y) || grid(a.position?.x, b.position?.x),
  );
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

export const toDashboardSummary = (row: DashboardSummaryRow): DashboardSummary => withDates(row);
