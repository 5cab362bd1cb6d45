import { z } from 'zod';
import { queryDefinition } from './query.documents.js';
import { optional, text } from './text.js';

/** Far beyond any screen, and small enough for every integer type that a client may use. */
const MAX_GRID = 100_000;

export const WIDGET_TYPES = [
  'metric',
  'bar_chart',
  'line_chart',
  'area_chart',
  'pie_chart',
  'scatter_chart',
  'table',
  'text',
] as const;

export const widgetType = z.enum(WIDGET_TYPES);

/** @publicApi */
export type WidgetType = z.output<typeof widgetType>;

const size = () => z.int().min(1).max(MAX_GRID);

/** Where a widget stands on the grid, in grid units (wire contract 2.4). */
export const widgetPosition = z.object({
  x: z.int().min(0).max(MAX_GRID),
  y: z.int().min(0).max(MAX_GRID),
  w: size(),
  h: size(),
  minW: optional(size()),
  minH: optional(size()),
  maxW: optional(size()),
  maxH: optional(size()),
});

/** @publicApi */
export type WidgetPosition = z.output<typeof widgetPosition>;

/** A link is shown as it is stored, so that another scheme, such as `javascript:`, would run for whoever views the widget. */
const httpUrl = text().refine(
  (value) => /^https?:\/\//i.test(value) && URL.canParse(value),
  'must be a URL that begins with http:// or https://',
);

/** How a widget shows its data (wire contract 2.5). Free but for the members named here. */
export const widgetConfig = z.looseObject({
  raw_sql: text().nullish(),
  data_source_mode: z.enum(['guided', 'advanced', 'saved', 'sql']).nullish(),
  hyperlink: z
    .looseObject({ url: httpUrl, title: text().nullish(), target: z.enum(['_blank', '_self']).nullish() })
    .nullish(),
});

/** @publicApi */
export type WidgetConfig = z.output<typeof widgetConfig>;

const members = {
  title: text(255),
  query: queryDefinition.nullish(),
  position: widgetPosition,
  config: widgetConfig,
};

/** A widget gets its rows in one way. To be checked on the widget as it will be, not on a part of it. */
export function hasOneSource(widget: { query?: unknown; config?: WidgetConfig | null }): boolean {
  return widget.query == null || widget.config?.raw_sql == null;
}

const ONE_SOURCE = { path: ['config', 'raw_sql'], message: 'cannot be set together with a query' };

export const createWidget = z
  .object({ type: widgetType, ...members, config: optional(widgetConfig).transform((config) => config ?? {}) })
  .refine(hasOneSource, ONE_SOURCE);

/** @publicApi */
export type CreateWidget = z.input<typeof createWidget>;

/** Absent members stay as they are; `query: null` clears. */
export const updateWidget = z.object({
  title: optional(members.title),
  query: members.query,
  position: optional(members.position),
  config: optional(members.config),
});

/** @publicApi */
export type UpdateWidget = z.input<typeof updateWidget>;

/** The widget that results from an update. */
export const mergedWidget = z.object({ query: z.unknown(), config: widgetConfig }).refine(hasOneSource, ONE_SOURCE);

/**
 * The widgets that shall make up a dashboard. One with the id of a widget that is there takes its place, others are new. Ids are
 * compared as UUIDs are, in whatever case they are written.
 */
export const widgetSet = z
  .array(createWidget.safeExtend({ id: optional(z.string().toLowerCase()) }))
  .max(1000)
  .superRefine((widgets, context) => {
    const seen = new Set<string>();
    widgets.forEach(({ id }, index) => {
      if (id !== undefined && seen.has(id)) {
        context.addIssue({ code: 'custom', path: [index, 'id'], message: 'is the id of two widgets', input: id });
      }
      seen.add(id ?? '');
    });
  });

export const layoutEntry = z.object({ widgetId: z.guid(), position: widgetPosition });

/** A new place for a widget. @publicApi */
export type WidgetPlacement = z.input<typeof layoutEntry>;
