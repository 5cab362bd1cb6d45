import { z } from 'zod';
import { list, MAX_LIST } from './list.js';
import { name, optional, text } from './text.js';
import { widgetSet, type DashboardWidgetInput } from './widget.documents.js';

/** The grid of a dashboard (wire contract 2.2). @publicApi */
export interface DashboardLayout {
  /** Number of columns. */
  columns: number;
  /** Height of a row, in pixels. */
  row_height: number;
  /** Horizontal and vertical space between widgets, in pixels. */
  margin: [number, number];
  /** In which direction widgets move when there is room. */
  compact_type: 'vertical' | 'horizontal' | null;
}

/** The input of a {@link DashboardLayout}; absent members take their defaults. @publicApi */
export interface DashboardLayoutInput {
  /** @default 12 */
  columns?: number | null | undefined;
  /** @default 50 */
  row_height?: number | null | undefined;
  /** The name in some stored documents; `row_height` takes precedence. */
  rowHeight?: number | null | undefined;
  /** @default [10, 10] */
  margin?: [number, number] | null | undefined;
  /** @default 'vertical' */
  compact_type?: 'vertical' | 'horizontal' | null | undefined;
}

/** A filter over all widgets of a dashboard (wire contract 2.6). @publicApi */
export interface DashboardFilter {
  id: string;
  type: 'date_range' | 'select' | 'multi_select' | 'text' | 'number_range';
  label: string;
  /** The column that it filters. */
  field: string;
  table?: string | null | undefined;
  default_value?: unknown;
  options?: { value: string; label: string }[] | null | undefined;
  date_preset?: string | null | undefined;
  dynamic?: boolean | null | undefined;
}

/** A new dashboard. @publicApi */
export interface CreateDashboard {
  /** 1 to 255 characters, unique within the tenant; surrounding white space is removed. */
  name: string;
  /** @default null */
  description?: string | null | undefined;
  layout?: DashboardLayoutInput | null | undefined;
  /** @default [] */
  filters?: DashboardFilter[] | null | undefined;
  /**
   * Whether every user of the tenant may see it.
   * @default false
   */
  isPublic?: boolean | null | undefined;
  /**
   * Ids of further users who may see it.
   * @default []
   */
  allowedViewers?: string[] | null | undefined;
  /** @default [] */
  widgets?: DashboardWidgetInput[] | null | undefined;
}

/** A change of a dashboard: absent members stay as they are, the others are replaced whole. @publicApi */
export interface UpdateDashboard {
  name?: string | null | undefined;
  /** `null` clears. */
  description?: string | null | undefined;
  layout?: DashboardLayoutInput | null | undefined;
  filters?: DashboardFilter[] | null | undefined;
  isPublic?: boolean | null | undefined;
  allowedViewers?: string[] | null | undefined;
  /** The whole set, matched by id: known widgets are updated, those without a known id are new, absent ones are deleted. */
  widgets?: DashboardWidgetInput[] | null | undefined;
}

const pixels = (min: number) => z.int().min(min).max(10_000);

/** The members of a stored layout. */
export const layoutMembers = {
  columns: z.int().min(1).max(MAX_LIST),
  row_height: pixels(1),
  margin: z.tuple([pixels(0), pixels(0)]),
  compact_type: z.enum(['vertical', 'horizontal']).nullable(),
};

/** Stands in for absent members. */
const DEFAULT_LAYOUT: DashboardLayout = { columns: 12, row_height: 50, margin: [10, 10], compact_type: 'vertical' };

export const dashboardLayout: z.ZodType<DashboardLayout> = z
  .object({
    columns: optional(layoutMembers.columns),
    row_height: optional(layoutMembers.row_height),
    rowHeight: optional(layoutMembers.row_height),
    margin: optional(layoutMembers.margin),
    compact_type: layoutMembers.compact_type.optional(),
  })
  .transform(({ columns, row_height, rowHeight, margin, compact_type }) => ({
    columns: columns ?? DEFAULT_LAYOUT.columns,
    row_height: row_height ?? rowHeight ?? DEFAULT_LAYOUT.row_height,
    margin: margin ?? DEFAULT_LAYOUT.margin,
    compact_type: compact_type === undefined ? DEFAULT_LAYOUT.compact_type : compact_type,
  }));

/** Reads a stored layout: a member that is missing or invalid takes its default. */
export function readLayout(stored: unknown): DashboardLayout {
  const { rowHeight, ...layout } = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<
    string,
    unknown
  >;
  const member = <Key extends keyof DashboardLayout>(key: Key, value: unknown = layout[key]): DashboardLayout[Key] => {
    const { success, data } = layoutMembers[key].safeParse(value);
    return success ? (data as DashboardLayout[Key]) : DEFAULT_LAYOUT[key];
  };
  return {
    columns: member('columns'),
    row_height: member('row_height', layout['row_height'] ?? rowHeight),
    margin: member('margin'),
    compact_type: member('compact_type'),
  };
}

/** Reads stored filters for the client, which expects absent members in place of `null`. */
export const readFilters = (stored: unknown): DashboardFilter[] =>
  (Array.isArray(stored) ? stored : []).map((filter: unknown) =>
    typeof filter === 'object' && filter !== null
      ? (Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null)) as unknown as DashboardFilter)
      : (filter as DashboardFilter),
  );

export const dashboardFilter: z.ZodType<DashboardFilter> = z.object({
  id: text(),
  type: z.enum(['date_range', 'select', 'multi_select', 'text', 'number_range']),
  label: text(),
  field: text(),
  table: optional(text()),
  default_value: z
    .unknown()
    .transform((value) => value ?? undefined)
    .optional(),
  options: optional(list(z.object({ value: text(), label: text() }))),
  date_preset: optional(text()),
  dynamic: optional(z.boolean()),
});

const members = {
  description: text().nullish(),
  filters: optional(list(dashboardFilter)),
  isPublic: optional(z.boolean()),
  allowedViewers: optional(list(text(255))),
  widgets: optional(widgetSet),
};

export const createDashboard = z.object({
  ...members,
  name: name(),
  layout: optional(dashboardLayout).transform((layout) => layout ?? DEFAULT_LAYOUT),
});

export const updateDashboard = z.object({
  ...members,
  name: optional(name()),
  layout: optional(dashboardLayout),
});
