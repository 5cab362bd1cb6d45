import { identifier, joinSql, keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import type { RowRule } from '../options/row-filter.js';
import type { VisibleSchema, VisibleTable } from './visible-schema.js';

/** What a query may read of a table: its visible columns, and the rows that the rule lets pass. Without an alias. */
export interface TableSource {
  readonly schema: VisibleSchema;
  readonly table: VisibleTable;
  readonly rowRule: RowRule;
  /**
   * Names of visible columns, where not all are needed.
   * @default all visible columns
   */
  readonly columns?: Iterable<string> | undefined;
  /** Further conditions, on unqualified columns. */
  readonly conditions?: readonly SqlFragment[] | undefined;
}

/** `(SELECT visible columns FROM "schema"."table" WHERE (row rule) AND (condition) …)`. PostgreSQL flattens it. */
export function tableSource({ schema, table, rowRule, columns, conditions = [] }: TableSource): SqlFragment {
  const names = [...(columns ?? table.columns.keys())].map((name) => identifier(name));
  const where = [...(rowRule === true ? [] : [rowRule === false ? keyword('FALSE') : rowRule]), ...conditions];
  const parenthesized = where.map((condition) => sql`(${condition})`);
  const filter = where.length === 0 ? keyword('') : sql` WHERE ${joinSql(parenthesized, ' AND ')}`;
  return sql`(SELECT ${joinSql(names, ', ')} FROM ${identifier(schema.schema, table.name)}${filter})`;
}
