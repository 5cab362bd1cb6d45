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
  /** Further conditions, on unqualified columns. They must not fail for any row. */
  readonly conditions?: readonly SqlFragment[] | undefined;
  /**
   * Whether the row rule is computed before conditions of the query that may fail, whose errors would tell of rows that the rule holds
   * back. Such conditions then find no index.
   * @default false
   */
  readonly isBarrier?: boolean | undefined;
}

/**
 * `(SELECT visible columns FROM "schema"."table" WHERE (row rule) AND (condition) …)`. PostgreSQL flattens it, unless it is a barrier and
 * has a rule.
 */
export function tableSource({
  schema,
  table,
  rowRule,
  columns,
  conditions = [],
  isBarrier = false,
}: TableSource): SqlFragment {
  const names = [...(columns ?? table.columns.keys())].map((name) => identifier(name));
  const where = [...(rowRule === true ? [] : [rowRule === false ? keyword('FALSE') : rowRule]), ...conditions];
  const parenthesized = where.map((condition) => sql`(${condition})`);
  const filter = where.length === 0 ? keyword('') : sql` WHERE ${joinSql(parenthesized, ' AND ')}`;
  const barrier = keyword(isBarrier && typeof rowRule !== 'boolean' ? ' OFFSET 0' : '');
  return sql`(SELECT ${joinSql(names, ', ')} FROM ${identifier(schema.schema, table.name)}${filter}${barrier})`;
}
