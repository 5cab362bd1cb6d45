import { createHash } from 'node:crypto';
import type { QueryConfig } from '../options/resolve-query-options.js';
import { toColumnType, toDataType } from './column-type.js';
import type { CatalogTable } from './read-tables.js';
import type { Relationship, VisibleColumn, VisibleSchema, VisibleTable } from './visible-schema.js';

/** What is equal for all tenants whose tables are equal, for the viewers of one role. */
export type VisibleLayout = Pick<VisibleSchema, 'version' | 'tables' | 'relationships'>;

type Visibility = QueryConfig['tables'];

/** Leaves out what the options hide from the role. */
export function buildLayout(
  tables: readonly CatalogTable[],
  visibility: Visibility,
  role: string | undefined,
): VisibleLayout {
  const visible = new Map<string, VisibleTable>();
  for (const table of tables) {
    const options = Object.hasOwn(visibility, table.name) ? visibility[table.name]! : undefined;
    if (options !== undefined && isVisible(options, role)) {
      visible.set(table.name, toVisibleTable(table, options, role));
    }
  }
  const relationships = tables
    .flatMap(({ name, foreignKeys }) =>
      foreignKeys.map(([fromColumn, toTable, toColumn]) => ({ fromTable: name, fromColumn, toTable, toColumn })),
    )
    .filter((relationship) => hasBothEnds(visible, relationship));
  return { version: hash(visible, relationships), tables: visible, relationships };
}

const isVisible = (
  { hidden, roles }: { hidden: boolean; roles?: readonly string[] | undefined },
  role?: string,
): boolean => !hidden && (roles === undefined || (role !== undefined && roles.includes(role)));

function toVisibleTable(
  { name, kind, columns }: CatalogTable,
  options: Visibility[string],
  role?: string,
): VisibleTable {
  const visible = new Map<string, VisibleColumn>();
  for (const [column, isNullable, isPrimaryKey, type] of columns) {
    const special = Object.hasOwn(options.columns, column) ? options.columns[column] : undefined;
    if (special === undefined || isVisible(special, role)) {
      visible.set(column, {
        name: column,
        dataType: toDataType(type),
        type: toColumnType(type),
        isNullable,
        isPrimaryKey,
        displayName: special?.displayName ?? null,
        description: special?.description ?? null,
        format: special?.format ?? null,
        dateFormat: special?.dateFormat ?? null,
      });
    }
  }
  return {
    name,
    kind: kind === 'v' || kind === 'm' ? 'view' : 'table',
    displayName: options.displayName ?? null,
    description: options.description ?? null,
    columns: visible,
  };
}

const hasBothEnds = (tables: VisibleLayout['tables'], { fromTable, fromColumn, toTable, toColumn }: Relationship) =>
  tables.get(fromTable)?.columns.has(fromColumn) === true && tables.get(toTable)?.columns.has(toColumn) === true;

function hash(tables: VisibleLayout['tables'], relationships: readonly Relationship[]): string {
  const content = [...tables.values()].map(({ columns, ...table }) => ({ ...table, columns: [...columns.values()] }));
  return createHash('sha256')
    .update(JSON.stringify([content, relationships]))
    .digest('base64url');
}
