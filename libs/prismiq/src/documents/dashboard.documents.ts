import { z } from 'zod';
import { name, optional, text } from './text.js';
import { widgetSet } from './widget.documents.js';

const MAX_LIST = 1000;

const pixels = (min: number) => z.int().min(min).max(10_000);

/**
 * The grid of a dashboard (wire contract 2.2), sizes in pixels. Stored rows have `rowHeight` in the column's default and
 * `row_height` in all that the Python server writes: both are taken, `row_height` wins, and it is what comes out.
 */
export const dashboardLayout = z
  .object({
    columns: z.int().min(1).max(MAX_LIST).default(12),
    row_height: optional(pixels(1)),
    rowHeight: optional(pixels(1)),
    margin: z.tuple([pixels(0), pixels(0)]).default([10, 10]),
    compact_type: z.enum(['vertical', 'horizontal']).nullable().default('vertical'),
  })
  .transform(({ row_height, rowHeight, ...layout }) => ({ ...layout, row_height: row_height ?? rowHeight ?? 50 }));

/** @publicApi */
export type DashboardLayout = z.output<typeof dashboardLayout>;

/** A filter over all widgets of a dashboard (wire contract 2.6). */
export const dashboardFilter = z.object({
  id: text(),
  type: z.enum(['date_range', 'select', 'multi_select', 'text', 'number_range']),
  label: text(),
  field: text(),
  table: optional(text()),
  default_value: z.unknown().optional(),
  options: optional(z.array(z.object({ value: text(), label: text() })).max(MAX_LIST)),
  date_preset: optional(text()),
  dynamic: optional(z.boolean()),
});

/** @publicApi */
export type DashboardFilter = z.output<typeof dashboardFilter>;

const members = {
  name: name(),
  description: text().nullish(),
  layout: dashboardLayout,
  filters: z.array(dashboardFilter).max(MAX_LIST),
  isPublic: z.boolean(),
  allowedViewers: z.array(text(255)).max(MAX_LIST),
  widgets: widgetSet,
};

export const createDashboard = z.object({
  ...members,
  layout: optional(members.layout).transform((layout) => layout ?? dashboardLayout.parse({})),
  filters: optional(members.filters),
  isPublic: optional(members.isPublic),
  allowedViewers: optional(members.allowedViewers),
  widgets: optional(members.widgets),
});

/** @publicApi */
export type CreateDashboard = z.input<typeof createDashboard>;

/** Absent members stay as they are; `description: null` clears. */
export const updateDashboard = z.object({
  name: optional(members.name),
  description: members.description,
  layout: optional(members.layout),
  filters: optional(members.filters),
  isPublic: optional(members.isPublic),
  allowedViewers: optional(members.allowedViewers),
  widgets: optional(members.widgets),
});

/** @publicApi */
export type UpdateDashboard = z.input<typeof updateDashboard>;
