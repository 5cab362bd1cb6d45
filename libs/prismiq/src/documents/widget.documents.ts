import { z } from 'zod';
import { list } from './list.js';
import { queryDefinition, type QueryDefinition } from './query.documents.js';
import { optional, text } from './text.js';

/** How a widget shows its data. @publicApi */
export type WidgetType =
  'metric' | 'bar_chart' | 'line_chart' | 'area_chart' | 'pie_chart' | 'scatter_chart' | 'table' | 'text';

/** The place of a widget on the grid, in grid units (wire contract 2.4). @publicApi */
export interface WidgetPosition {
  /** Column, from 0. */
  x: number;
  /** Row, from 0. */
  y: number;
  /** Width, at least 1. */
  w: number;
  /** Height, at least 1. */
  h: number;
  minW?: number | undefined;
  minH?: number | undefined;
  maxW?: number | undefined;
  maxH?: number | undefined;
}

/** Settings of a widget (wire contract 2.5). Unknown members are kept. @publicApi */
export interface WidgetConfig {
  /** SQL instead of a query; a widget cannot have both. */
  raw_sql?: string | null | undefined;
  data_source_mode?: 'guided' | 'advanced' | 'saved' | 'sql' | null | undefined;
  /** Clients show it as it is stored, so its `url` must begin with `http://` or `https://`. */
  hyperlink?: WidgetHyperlink | null | undefined;
  [member: string]: unknown;
}

/** @publicApi */
export interface WidgetHyperlink {
  url: string;
  title?: string | null | undefined;
  target?: '_blank' | '_self' | null | undefined;
  [member: string]: unknown;
}

/** A new widget. @publicApi */
export interface CreateWidget {
  type: WidgetType;
  /** At most 255 characters. */
  title: string;
  /** @default null */
  query?: QueryDefinition | null | undefined;
  position: WidgetPosition;
  /** @default {} */
  config?: WidgetConfig | null | undefined;
}

/** A change of a widget: absent members stay as they are. @publicApi */
export interface UpdateWidget {
  title?: string | null | undefined;
  /** `null` clears. */
  query?: QueryDefinition | null | undefined;
  /** Replaces the whole document. */
  position?: WidgetPosition | null | undefined;
  /** Replaces the whole document. */
  config?: WidgetConfig | null | undefined;
}

/** A widget of a set that replaces the widgets of a dashboard. @publicApi */
export interface DashboardWidgetInput extends CreateWidget {
  /** The id of the widget on the dashboard that it replaces; without one, or with an unknown one, it is new. */
  id?: string | null | undefined;
}

/** A new position of a widget. @publicApi */
export interface WidgetPlacement {
  widgetId: string;
  position: WidgetPosition;
}

/** Far beyond any screen, and small enough for every integer type that a client may use. */
const MAX_GRID = 100_000;

const size = () => z.int().min(1).max(MAX_GRID);

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

/** Another scheme, such as `javascript:`, would run in the browser of everyone who views the widget. */
const httpUrl = text().refine(
  (value) => /^https?:\/\/\P{Cc}+$/iu.test(value) && URL.canParse(value),
  'must be a URL that begins with http:// or https://, without control characters',
);

export const widgetConfig = z.looseObject({
  raw_sql: text().nullish(),
  data_source_mode: z.enum(['guided', 'advanced', 'saved', 'sql']).nullish(),
  hyperlink: z
    .looseObject({ url: httpUrl, title: text().nullish(), target: z.enum(['_blank', '_self']).nullish() })
    .nullish(),
});

/** A widget has one source of rows. Checked on the whole widget, since a patch may name only one of the two. */
const hasOneSource = (widget: { query?: unknown; config?: WidgetConfig }): boolean =>
  widget.query == null || widget.config?.raw_sql == null;
const ONE_SOURCE = { path: ['config', 'raw_sql'], message: 'cannot be set together with a query' };

export const WIDGET_TYPES = [
  'metric',
  'bar_chart',
  'line_chart',
  'area_chart',
  'pie_chart',
  'scatter_chart',
  'table',
  'text',
] as const satisfies WidgetType[];

const types = new Set<string>(WIDGET_TYPES);

export const isWidgetType = (type: string): type is WidgetType => types.has(type);

const widget = z
  .object({
    type: z.enum(WIDGET_TYPES),
    title: text(255),
    query: queryDefinition.nullish(),
    position: widgetPosition,
    config: optional(widgetConfig).transform((config) => config ?? {}),
  })
  .refine(hasOneSource, ONE_SOURCE);

export const createWidget: z.ZodType<CreateWidget & { config: WidgetConfig }> = widget;

export const updateWidget = z.object({
  title: optional(text(255)),
  query: queryDefinition.nullish(),
  position: optional(widgetPosition),
  config: optional(widgetConfig),
});

/** The widget that results from an update. */
export const mergedWidget = z.object({ query: z.unknown(), config: widgetConfig }).refine(hasOneSource, ONE_SOURCE);

export const dashboardWidgetInput = widget.safeExtend({ id: optional(z.string().toLowerCase()) });

/** Ids are compared without regard to case, as UUIDs are. */
export const widgetSet: z.ZodType<(DashboardWidgetInput & { config: WidgetConfig })[]> = list(
  dashboardWidgetInput,
).superRefine((widgets, context) => {
  const seen = new Set<string>();
  widgets.forEach(({ id }, index) => {
    if (id !== undefined && seen.has(id)) {
      context.addIssue({ code: 'custom', path: [index, 'id'], message: 'is the id of two widgets', input: id });
    }
    seen.add(id ?? '');
  });
});

export const placement = z.object({ widgetId: z.guid(), position: widgetPosition });

export const placements: z.ZodType<WidgetPlacement[]> = list(placement);
