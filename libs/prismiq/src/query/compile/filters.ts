import { identifier, joinSql, sql, type SqlFragment } from '../../sql/fragment.js';
import type { ParsedFilter } from '../definition/parsed-query.js';
import type { TypedSql } from '../expressions/typed-sql.js';
import { compileCondition } from '../filters/compile-condition.js';
import { comparison, findNullableJoin, type Join } from './joins.js';
import type { Selection } from './outputs.js';

/** Where the filters of a query act. Those on the empty side of an outer join are added to the join. */
export interface PlacedFilters {
  readonly where: SqlFragment[];
  readonly having: { readonly condition: SqlFragment; readonly value: TypedSql; readonly field: string }[];
}

interface ResolvedFilter {
  readonly filter: ParsedFilter;
  readonly value: TypedSql;
  readonly field: string;
}

/** @returns the filters on columns that exist; the others are left out with a warning, or are faults */
export function resolveFilters(selection: Selection, unknown: 'warn' | 'refuse', warnings: string[]): ResolvedFilter[] {
  const { query, sources, fields, issues } = selection;
  return query.filters.flatMap((filter, index) => {
    const field = `filters[${index}]`;
    const value = issues.attempt(field, () => {
      const found = fields.has(filter.column) ? fields.get(filter.column) : sources.find(filter);
      return found ?? (unknown === 'refuse' ? sources.refuseColumn(filter, 'Filter column') : undefined);
    });
    if (value === undefined) {
      if (unknown === 'warn' && !fields.has(filter.column)) {
        warnings.push(`${sources.missingColumn(filter, 'Filter column')}: the filter was left out`);
      }
      return [];
    }
    return [{ filter, value: sources.use(value), field }];
  });
}

/** Takes the first place that fits: HAVING, ON, NOT EXISTS, WHERE. */
export function placeFilters(
  selection: Selection,
  filters: readonly ResolvedFilter[],
  joins: readonly Join[],
): PlacedFilters {
  const placed: PlacedFilters = { where: [], having: [] };
  for (const resolved of filters) {
    selection.issues.attempt(`${resolved.field}.value`, () => placeFilter(selection, resolved, joins, placed));
  }
  return placed;
}

function placeFilter(
  selection: Selection,
  { filter, value, field }: ResolvedFilter,
  joins: readonly Join[],
  { where, having }: PlacedFilters,
): void {
  const condition = compileCondition(value, filter.operator, filter.value, selection.calendar);
  if (value.isAggregate) {
    having.push({ condition, value, field });
    return;
  }
  if (selection.fields.has(filter.column)) {
    where.push(condition);
    return;
  }
  const table = selection.sources.indexOf(filter.tableId);
  const nullable = findNullableJoin(joins, table);
  if (nullable === undefined) {
    where.push(withoutRelated(selection, filter, joins, table) ?? condition);
  } else {
    nullable.on.push({ table, condition });
  }
}

const ALIAS = 'n';

/**
 * "Not equal" on a table that an INNER join ties to the first one: rows of the first table that are related to no row with the value.
 *
 * @returns undefined if the filter is no such filter
 */
function withoutRelated(
  { sources, calendar }: Selection,
  { operator, value, tableId, column }: ParsedFilter,
  joins: readonly Join[],
  table: number,
): SqlFragment | undefined {
  const positive = toPositive(operator, value);
  const [base] = sources.usedTables();
  const ties = joins.filter(
    ({ type, from, to }) => type === 'INNER' && ((from === base && to === table) || (from === table && to === base)),
  );
  if (positive === undefined || table === base || ties.length === 0) {
    return undefined;
  }
  const own = ties.map((join) => (join.from === table ? join.fromColumn : join.toColumn));
  const others = ties.map((join) => (join.from === table ? join.toColumn : join.fromColumn));
  const again = (one: TypedSql): TypedSql => ({ ...one, sql: identifier(ALIAS, one.columns[0]!.column.name) });
  const filtered = sources.find({ tableId, column })!;
  const conditions = [
    ...own.map((key, index) => {
      const { symbol, convert } = comparison(key, others[index]!, calendar);
      return sql`${convert(again(key))} ${symbol} ${convert(others[index]!)}`;
    }),
    compileCondition(again(filtered), positive, value, calendar),
  ];
  const columns = new Set([...own.map((key) => key.columns[0]!.column.name), column]);
  return sql`NOT EXISTS (SELECT FROM ${sources.fromAs(table, columns, ALIAS)} WHERE ${joinSql(conditions, ' AND ')})`;
}

/** The opposite of a negative operator, if it has a value to exclude. */
function toPositive(operator: ParsedFilter['operator'], value: unknown): 'eq' | 'in_' | 'in_or_null' | undefined {
  if (operator === 'neq') {
    return value === null ? undefined : 'eq';
  }
  if (operator !== 'not_in' || !Array.isArray(value) || value.every((one) => one === null)) {
    return undefined;
  }
  return value.includes(null) ? 'in_or_null' : 'in_';
}
