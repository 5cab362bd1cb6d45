import type { DashboardFilter, DashboardLayout } from '../documents/dashboard.documents.js';
import type { QueryDefinition } from '../documents/query.documents.js';
import type { WidgetConfig, WidgetPosition, WidgetType } from '../documents/widget.documents.js';

/**
 * A dashboard with its widgets, as a plain value: nothing of it is tracked, and JSON can carry it. Columns have camelCase
 * names; the documents (`layout`, `filters`) are as stored, which is as Prismiq's client reads them.
 *
 * @publicApi
 */
export interface Dashboard {
  /** UUID. */
  id: string;
  /** Unique within the tenant. */
  name: string;
  description: string | null;
  layout: DashboardLayout;
  filters: DashboardFilter[];
  /** The user who may change it; `null`: only an admin may. */
  ownerId: string | null;
  /** Whether every user of the tenant may see it. */
  isPublic: boolean;
  /** Ids of further users who may see it. */
  allowedViewers: string[];
  /** From top to bottom, then from left to right. */
  widgets: Widget[];
  /** Members whose stored documents are of no use, if there are any. They can be replaced by an update. */
  invalid?: ('layout' | 'filters')[];
  /** 1 at first; each change of the dashboard or of one of its widgets raises it by one. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** What a list shows of a dashboard, without its documents. @publicApi */
export interface DashboardSummary {
  /** UUID. */
  id: string;
  name: string;
  description: string | null;
  ownerId: string | null;
  isPublic: boolean;
  allowedViewers: string[];
  /** How many widgets are on it. */
  widgetCount: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** One widget of a dashboard, as a plain value. @publicApi */
export interface Widget {
  /** UUID. */
  id: string;
  type: WidgetType;
  title: string;
  /** `null` for a text widget, and for one with `config.raw_sql`. */
  query: QueryDefinition | null;
  position: WidgetPosition;
  config: WidgetConfig;
  createdAt: Date;
  updatedAt: Date;
  /** Members whose stored documents are of no use, if there are any; they come as they are, and can be replaced by an update. */
  invalid?: ('type' | 'query' | 'position' | 'config')[];
}

/** A widget after a write. @publicApi */
export interface VersionedWidget extends Widget {
  /** The version that its dashboard has now. */
  dashboardVersion: number;
}

/** A query kept for reuse, as a plain value. @publicApi */
export interface SavedQuery {
  /** UUID. */
  id: string;
  tenantId: string;
  /** Unique within the tenant. */
  name: string;
  description: string | null;
  query: QueryDefinition;
  /** The user who may change it; `null`: only an admin may. */
  ownerId: string | null;
  /** Whether every user of the tenant may see it. */
  isShared: boolean;
  /** 1 at first; each change raises it by one. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}
