import { isWidgetType } from '../../documents/widget.documents.js';
import { fromArray, isDocument, jsonArray, timeColumns, withDates, type Columns, type Stored } from '../json-rows.js';
import type { Widget } from '../records.js';

export type WidgetRow = Stored<Widget>;

/** Of a widget `w`. */
export const WIDGET_COLUMNS: Columns<WidgetRow> = {
  id: 'w.id',
  type: 'w.type',
  title: 'w.title',
  query: 'w.query',
  position: 'w.position',
  config: 'w.config',
  ...timeColumns('w'),
};

/** The widgets of a dashboard `d` as a JSON array of arrays, so that one statement reads dashboards with their widgets. */
export const widgetsJson = (widgetsTable: string) =>
  `(SELECT coalesce(json_agg(${jsonArray(WIDGET_COLUMNS)}), '[]') FROM ${widgetsTable} w WHERE w.dashboard_id = d.id)`;

export const toWidgets = (arrays: readonly unknown[][]): Widget[] =>
  arrays.map((values) => toWidget(fromArray(WIDGET_COLUMNS, values)));

export function toWidget(row: WidgetRow): Widget {
  const widget: Widget = withDates(row);
  const invalid = invalidMembers(widget);
  return invalid.length > 0 ? { ...widget, invalid } : widget;
}

/** Only what breaks a reader: the full rules, which are checked on writing, would cost too much on every read. */
function invalidMembers({ type, query, position, config }: Widget): NonNullable<Widget['invalid']> {
  return [
    ...(isWidgetType(type) ? [] : ['type' as const]),
    ...(query === null || isDocument(query) ? [] : ['query' as const]),
    ...(isPosition(position) ? [] : ['position' as const]),
    ...(isDocument(config) ? [] : ['config' as const]),
  ];
}

const isPosition = (value: unknown): boolean =>
  isDocument(value) && ['x', 'y', 'w', 'h'].every((member) => Number.isInteger(value[member]));
