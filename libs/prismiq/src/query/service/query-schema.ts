import type { ColumnFormat } from '../options/column-format.js';
import type { VisibleSchema } from '../visible-schema/visible-schema.js';

/** What the viewer in context may query. @publicApi */
export interface QuerySchema {
  /** In alphabetical order. */
  tables: QueryTable[];
  /** Foreign keys of which both ends are visible: one for each pair of columns. */
  relationships: QueryRelationship[];
}

/** @publicApi */
export interface QueryTable {
  name: string;
  displayName: string | null;
  description: string | null;
  /** In the order of the table. */
  columns: QueryColumn[];
  /** PostgreSQL's estimate; null for a view. */
  rowCount: number | null;
}

/** @publicApi */
export interface QueryColumn {
  name: string;
  /** As `information_schema` spells it; `text` for enums and unknown types. */
  dataType: string;
  isNullable: boolean;
  isPrimaryKey: boolean;
  displayName: string | null;
  description: string | null;
  format: ColumnFormat | null;
  dateFormat: string | null;
}

/** @publicApi */
export interface QueryRelationship {
  fromTable: string;
  fromColumn: string;
  toTable: string;
  toColumn: string;
}

export const toQuerySchema = ({ tables, relationships, rowCounts }: VisibleSchema): QuerySchema => ({
  tables: [...tables.values()].map(({ name, displayName, description, columns }) => ({
    name,
    displayName,
    description,
    columns: [...columns.values()].map(({ type: _, ...column }) => column),
    rowCount: rowCounts.get(name) ?? null,
  })),
  relationships: relationships.map((relationship) => ({ ...relationship })),
});
