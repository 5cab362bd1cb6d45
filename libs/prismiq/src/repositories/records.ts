import type { DashboardFilter, DashboardLayout } from '../documents/dashboard.documents.js';
import type { QueryDefinition } from '../documents/query.documents.js';
import type { WidgetConfig, WidgetPosition, WidgetType } from '../documents/widget.documents.js';

/**
 * A dashboard with its widgets, as a plain value that can be serialised as JSON. Columns have camelCase names; the documents
 * (`layout`, `filters`) have the members that Prismiq's client reads.
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
  /** Members whose stored documents cannot be used, if there are any. An update can replace them. */
  invalid?: ('layout' | 'filters')[];
  /** Begins at 1; each change of the dashboard or of one of its widgets raises it by one. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A dashboard in a list, without its documents. @publicApi */
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
  /** Members whose stored documents cannot be used, if there are any. They are returned as stored; an update can replace them. */
  invalid?: ('type' | 'query' | 'position' | 'config')[];
}

/** A widget after a write. @publicApi */
export interface VersionedWidget extends Widget {
  /** The version of its dashboard after the write. */
  dashboardVersion: number;
}

/** A saved query, as a plain value. @publicApi */
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
  /** Begins at 1; each change raises it by one. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
}
