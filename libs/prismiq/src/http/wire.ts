import type { Dashboard, SavedQuery, Widget } from '../repositories/records.js';
import { InvalidDocumentError } from '../errors/record.errors.js';

/**
 * Between the records and Prismiq's REST contract: resources have snake_case members there, one level deep. The documents
 * inside (`layout`, `filters`, `query`, `config`, `position`) go through untouched; their casing is mixed on purpose.
 */
const toSnakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamelCase = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const renameKeys = (object: object, rename: (key: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]));

export const toWireWidget = (widget: Widget): Record<string, unknown> => renameKeys(widget, toSnakeCase);

export const toWireSavedQuery = (query: SavedQuery): Record<string, unknown> => renameKeys(query, toSnakeCase);

export const toWireDashboard = ({ widgets, ...dashboard }: Dashboard): Record<string, unknown> => ({
  ...renameKeys(dashboard, toSnakeCase),
  widgets: widgets.map(toWireWidget),
});

/**
 * A request body as a repository takes it. Members that it does not know, such as `owner_id` or the timestamps that the
 * editor sends back, are dropped there; those in camelCase are no names of the contract, and dropped here.
 *
 * @param path where in the body the object stands
 * @throws InvalidDocumentError when it is no JSON object
 */
export function fromWire<T>(body: unknown, path: (string | number)[] = []): T {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidDocumentError([{ type: 'invalid_type', path, message: 'must be a JSON object', input: body }]);
  }
  const known = Object.fromEntries(Object.entries(body).filter(([key]) => key === key.toLowerCase()));
  return renameKeys(known, toCamelCase) as T;
}

/** The path of a fault as the client knows it, e.g. `body.is_public`: the first name in it is that of a column. */
export function toWirePath(path: readonly (string | number)[]): (string | number)[] {
  const column = path.findIndex((key) => typeof key === 'string');
  return ['body', ...path.map((key, index) => (index === column ? toSnakeCase(String(key)) : key))];
}
