import type { SchemaDifference } from '../errors/schema.errors.js';
import { expectedCatalog, type CatalogObject } from './expected-catalog.js';

const toKey = ({ table, kind, name }: CatalogObject): string => `${table}/${kind}/${name}`;

/**
 * Compares the objects found with those needed. Additions of a host that do no harm are no differences: columns that an INSERT
 * may leave out, indexes that are not unique.
 *
 * @param version the name of one of `SCHEMA_VERSIONS`
 * @default the newest version
 */
export function compareCatalog(found: readonly CatalogObject[], version?: string): SchemaDifference[] {
  const needed = expectedCatalog(version);
  const actual = new Map(found.map((object) => [toKey(object), object]));
  const expected = new Set(needed.map(toKey));
  const tables = new Set(found.filter(({ kind }) => kind === 'table').map(({ table }) => table));
  const findSameDefinition = ({ table, kind, definition }: CatalogObject): string | undefined =>
    found.find(
      (other) =>
        other.table === table && other.kind === kind && other.definition === definition && !expected.has(toKey(other)),
    )?.name;
  const missing = needed
    .filter(
      // A missing table is one difference, not one for each of its columns.
      (object) =>
        (object.kind === 'table' || tables.has(object.table)) &&
        actual.get(toKey(object))?.definition !== object.definition,
    )
    .map(({ definition, ...object }) => ({
      ...object,
      expected: definition,
      actual: actual.get(toKey({ ...object, definition }))?.definition,
      ...(object.kind === 'index' && { foundAs: findSameDefinition({ ...object, definition }) }),
    }));
  const harmful = found
    .filter((object) => !expected.has(toKey(object)) && isHarmful(object))
    .map(({ definition, ...object }) => ({ ...object, expected: undefined, actual: definition }));
  return [...missing, ...harmful];
}

/** Whether an object that Prismiq does not know can make its statements fail. */
function isHarmful({ kind, definition }: CatalogObject): boolean {
  switch (kind) {
    case 'column':
      return / not null$/.test(definition);
    case 'index':
      return definition.startsWith('UNIQUE');
    default:
      return true;
  }
}
