import { InvalidDocumentError } from '../errors/record.errors.js';
import type { Dashboard, DashboardSummary, SavedQuery, Widget, VersionedWidget } from '../repositories/records.js';

/**
 * Translates between the records and Prismiq's REST contract, whose resources have snake_case members, one level deep. The
 * documents inside (`layout`, `filters`, `query`, `config`, `position`) are passed on unchanged: their case is mixed on purpose.
 */
export const toSnakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamelCase = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const times = ({ createdAt, updatedAt }: { createdAt: Date; updatedAt: Date }) => ({
  created_at: toIsoString(createdAt),
  updated_at: toIsoString(updatedAt),
});

/** PostgreSQL's `infinity` is no date of JavaScript. */
const toIsoString = (date: Date): string | null => (Number.isNaN(date.getTime()) ? null : date.toISOString());

/** Absent if all members are valid. */
const invalidMembers = <T extends string>(invalid: T[] | undefined): { invalid?: T[] } =>
  invalid === undefined ? {} : { invalid };

export const toWireWidget = (widget: Widget) => ({
  id: widget.id,
  type: widget.type,
  title: widget.title,
  query: widget.query,
  position: widget.position,
  config: widget.config,
  ...times(widget),
  ...invalidMembers(widget.invalid),
});

/** A widget after a write, with the new version of its dashboard. */
export const toWireVersionedWidget = (widget: VersionedWidget) => ({
  ...toWireWidget(widget),
  dashboard_version: widget.dashboardVersion,
});

const toWireMembers = (dashboard: Dashboard | DashboardSummary) => ({
  id: dashboard.id,
  name: dashboard.name,
  description: dashboard.description,
  owner_id: dashboard.ownerId,
  is_public: dashboard.isPublic,
  allowed_viewers: dashboard.allowedViewers,
  version: dashboard.version,
  ...times(dashboard),
});

export const toWireDashboard = (dashboard: Dashboard) => ({
  ...toWireMembers(dashboard),
  layout: dashboard.layout,
  filters: dashboard.filters,
  widgets: dashboard.widgets.map(toWireWidget),
  ...invalidMembers(dashboard.invalid),
});

export const toWireSummary = (dashboard: DashboardSummary) => ({
  ...toWireMembers(dashboard),
  widget_count: dashboard.widgetCount,
});

export const toWireSavedQuery = (query: SavedQuery) => ({
  id: query.id,
  name: query.name,
  description: query.description,
  query: query.query,
  tenant_id: query.tenantId,
  owner_id: query.ownerId,
  is_shared: query.isShared,
  version: query.version,
  ...times(query),
});

/** @throws InvalidDocumentError if it is not a JSON object */
export function asObject(body: unknown, path: (string | number)[] = []): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidDocumentError([{ type: 'invalid_type', path, message: 'must be a JSON object', input: body }]);
  }
  return body as Record<string, unknown>;
}

/**
 * Translates a request body for a repository. Drops members in camelCase, which are not part of the contract. The repository drops
 * other unknown members, such as `owner_id` or the timestamps that the editor sends back.
 *
 * @param path of the object in the body
 * @throws InvalidDocumentError if it is not a JSON object
 */
export function fromWire<T>(body: unknown, path: (string | number)[] = []): T {
  const known = Object.entries(asObject(body, path)).filter(([key]) => key === key.toLowerCase());
  return Object.fromEntries(known.map(([key, value]) => [toCamelCase(key), value])) as T;
}

/** Translates the path of a fault to the client's names, e.g. `is_public`: the first name in it is that of a column. */
export function toWirePath(path: readonly (string | number)[]): (string | number)[] {
  const column = path.findIndex((key) => typeof key === 'string');
  return path.map((key, index) => (index === column ? toSnakeCase(String(key)) : key));
}
