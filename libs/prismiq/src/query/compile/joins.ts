import { joinSql, keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import type { ParsedJoin } from '../definition/parsed-query.js';
import { toLocalTime } from '../expressions/conversions.js';
import { isNumeric, type TypedSql } from '../expressions/typed-sql.js';
import { isDateKind } from '../filters/date-conditions.js';
import { operatorSql } from '../filters/operand.js';
import { refuse } from '../filters/refuse.js';
import type { Issues } from './issues.js';
import type { Sources } from './sources.js';

/** A join whose columns exist and can be compared. */
export interface Join {
  readonly from: number;
  readonly to: number;
  readonly fromColumn: TypedSql;
  readonly toColumn: TypedSql;
  readonly type: ParsedJoin['type'];
  /** Further conditions in ON, each on columns of one of the two tables. */
  readonly on: { readonly table: number; readonly condition: SqlFragment }[];
}

export function resolveJoins(joins: readonly ParsedJoin[], sources: Sources, issues: Issues): Join[] {
  return joins.flatMap(({ fromTableId, fromColumn, toTableId, toColumn, type }, index) => {
    const field = `joins[${index}]`;
    const end = (tableId: string, column: string, name: string) =>
      issues.attempt(`${field}.${name}`, () => sources.use(sources.get({ tableId, column }, 'Join column')));
    const [one, other] = [end(fromTableId, fromColumn, 'from_column'), end(toTableId, toColumn, 'to_column')];
    const join = issues.attempt(field, () => {
      if (fromTableId === toTableId) {
        refuse('INVALID_JOIN', 'Join references the same table on both sides');
      }
      if (one !== undefined && other !== undefined && !areComparable(one, other)) {
        const [{ name, dataType }, to] = [one, other];
        refuse(
          'INVALID_JOIN',
          `Join columns '${name}' (${dataType}) and '${to.name}' (${to.dataType}) cannot be compared`,
        );
      }
      return { from: sources.indexOf(fromTableId), to: sources.indexOf(toTableId), type, on: [] };
    });
    return join && one && other ? [{ ...join, fromColumn: one, toColumn: other }] : [];
  });
}

const areComparable = (one: TypedSql, other: TypedSql): boolean =>
  (isNumeric(one) && isNumeric(other)) ||
  (one.kind === 'text' && other.kind === 'text') ||
  (isDateKind(one.kind) && isDateKind(other.kind)) ||
  (one.castType === other.castType && one.isSortable);

/**
 * How two columns are compared: days and moments in the tenant's zone, citext without regard to case only with itself.
 *
 * @returns the operator, and what is done with each of them
 */
export function comparison(
  one: TypedSql,
  other: TypedSql,
  calendar: Calendar,
): { symbol: SqlFragment; convert: (column: TypedSql) => SqlFragment } {
  const isMixedDate = isDateKind(one.kind) && one.kind !== other.kind;
  return {
    symbol: one.castType === other.castType ? operatorSql(one, '=') : keyword('='),
    convert: (column) => (isMixedDate ? toLocalTime(column, calendar) : column.sql),
  };
}

function equality({ fromColumn, toColumn, type, from, to, on }: Join, calendar: Calendar): SqlFragment {
  const { symbol, convert } = comparison(fromColumn, toColumn, calendar);
  const side = (column: TypedSql, table: number): SqlFragment => {
    const conditions = on.filter((one) => one.table === table).map(({ condition }) => condition);
    return conditions.length === 0 || type !== 'FULL'
      ? convert(column)
      : sql`CASE WHEN ${joinSql(conditions, ' AND ')} THEN ${convert(column)} END`;
  };
  return sql`${side(fromColumn, from)} ${symbol} ${side(toColumn, to)}`;
}

/** ON of a join. A FULL JOIN takes nothing beside an equality for some types, so that its conditions are inside. */
function onClause(join: Join, calendar: Calendar): SqlFragment {
  const conditions = join.type === 'FULL' ? [] : join.on.map(({ condition }) => condition);
  return joinSql([equality(join, calendar), ...conditions], ' AND ');
}

/** The first join that can leave the table's columns empty. */
export const findNullableJoin = (joins: readonly Join[], table: number): Join | undefined =>
  joins.find(
    ({ type, from, to }) =>
      ((type === 'LEFT' || type === 'FULL') && to === table) ||
      ((type === 'RIGHT' || type === 'FULL') && from === table),
  );

const MIRRORED = { INNER: 'INNER', LEFT: 'RIGHT', RIGHT: 'LEFT', FULL: 'FULL' } as const;

/**
 * The FROM clause: the first table that is used, and then all that joins tie to what is there, in whatever direction they are written.
 *
 * @returns the clause, and the conditions of joins that tie tables once more
 * @throws InvalidQueryError if a table is tied to nothing
 */
export function compileFrom(
  sources: Sources,
  joins: readonly Join[],
  { issues, calendar }: { readonly issues: Issues; readonly calendar: Calendar },
): { from: SqlFragment; conditions: SqlFragment[] } {
  const [base, ...others] = sources.usedTables() as [number, ...number[]];
  const joined = new Set([base]);
  const clauses = [sources.from(base)];
  const conditions: SqlFragment[] = [];
  const waiting = [...joins];
  for (let at; (at = waiting.findIndex(({ from, to }) => joined.has(from) || joined.has(to))) >= 0;) {
    const [join] = waiting.splice(at, 1) as [Join];
    const { from, to, type } = join;
    if (joined.has(from) && joined.has(to)) {
      conditions.push(equality(join, calendar));
      if (type !== 'INNER') {
        const message = `Tables '${sources.tableName(from)}' and '${sources.tableName(to)}' are joined already: a further join of them must be INNER`;
        issues.add({ code: 'CIRCULAR_JOIN', message, field: 'joins' });
      }
      continue;
    }
    const [added, kind] = joined.has(from) ? [to, type] : [from, MIRRORED[type]];
    joined.add(added);
    clauses.push(sql`${keyword(`${kind} JOIN`)} ${sources.from(added)} ON ${onClause(join, calendar)}`);
  }
  const apart = others.find((table) => !joined.has(table));
  if (apart !== undefined) {
    const message = `Tables '${sources.tableName(base)}' and '${sources.tableName(apart)}' are not joined`;
    issues.add({ code: 'INVALID_JOIN', message, field: 'joins' });
  }
  return { from: joinSql(clauses, ' '), conditions };
}
