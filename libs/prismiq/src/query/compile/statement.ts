import { joinSql, keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import type { ParsedTimeSeries } from '../definition/parsed-query.js';
import { fillGaps, type SeriesColumn } from './fill-gaps.js';
import type { GroupKey } from './grouping.js';
import type { Output } from './outputs.js';
import type { SortKey } from './sort.js';

/** A query whose parts have been compiled and checked. */
export interface StatementParts {
  readonly outputs: readonly Output[];
  readonly from: SqlFragment;
  /** Conditions without OR at their top, here and in `having`. */
  readonly where: readonly SqlFragment[];
  /** The keys that are not selected; undefined if the query is not grouped. */
  readonly groupKeys: readonly GroupKey[] | undefined;
  readonly having: readonly SqlFragment[];
  /** Undefined if no gaps are filled. */
  readonly fill: ParsedTimeSeries | undefined;
  readonly sort: readonly SortKey[];
  readonly limit: number;
  readonly offset: number;
}

export function compileStatement(parts: StatementParts): SqlFragment {
  const { groupKeys, fill, sort } = parts;
  const isSortedByHiddenKey =
    groupKeys !== undefined && sort.some(({ output, value }) => output === undefined && !value.isAggregate);
  return fill !== undefined || isSortedByHiddenKey ? nestedSelect(parts) : flatSelect(parts);
}

/** One SELECT. Each expression stands in it once: PostgreSQL takes it for another one if its parameters have other numbers. */
function flatSelect(parts: StatementParts): SqlFragment {
  const { outputs, groupKeys, sort } = parts;
  const list = outputs.map(({ value }, index) => sql`${value.sql} AS ${columnName(index)}`);
  const group =
    groupKeys === undefined
      ? []
      : [
          ...outputs.flatMap(({ value }, index) => (value.isAggregate ? [] : [position(index)])),
          ...groupKeys.map(({ value }) => value.sql),
        ];
  const order = sort.map(({ output, value, direction }) =>
    sortSql(output === undefined ? value.sql : columnName(output), direction),
  );
  return sql`${select(parts, list, group)}${clause('ORDER BY', order, ', ')}${pageSql(parts)}`;
}

/** Groups inside, with what is not selected but grouped or sorted by, then fills the gaps of a time series, and sorts. */
function nestedSelect(parts: StatementParts): SqlFragment {
  const { outputs, groupKeys = [], sort, fill } = parts;
  const hiddenMeasures = sort.filter(({ output, value }) => output === undefined && value.isAggregate);
  const keyed: Pick<Output, 'key' | 'value' | 'role'>[] = [
    ...outputs,
    ...groupKeys.map(({ key, value }) => ({ key, value, role: 'dimension' as const })),
    ...hiddenMeasures.map(({ key, value }) => ({ key, value, role: 'measure' as const })),
  ];
  const columns: SeriesColumn[] = keyed.map(({ value, role }, index) => ({ value, role, name: columnName(index) }));
  const list = columns.map(({ value, name }) => sql`${value.sql} AS ${name}`);
  const group = keyed.flatMap(({ role }, index) => (role === 'measure' ? [] : [position(index)]));
  const grouped = select(parts, list, group);
  const order = sort.map(({ output, key, direction }) => {
    const index = output ?? keyed.findIndex((one, at) => at >= outputs.length && one.key === key);
    return sortSql(columnName(index), direction);
  });
  const shown = outputs.map((_, index) => columnName(index));
  const [rows, columnsShown] =
    fill === undefined ? [grouped, shown] : [fillGaps(grouped, columns, fill), [...shown, keyword('f')]];
  return sql`SELECT ${joinSql(columnsShown, ', ')} FROM (${rows}) AS q${clause('ORDER BY', order, ', ')}${pageSql(parts)}`;
}

function select(
  { from, where, having }: StatementParts,
  list: readonly SqlFragment[],
  group: readonly SqlFragment[],
): SqlFragment {
  return sql`SELECT ${joinSql(list, ', ')} FROM ${from}${clause('WHERE', where, ' AND ')}${clause('GROUP BY', group, ', ')}${clause('HAVING', having, ' AND ')}`;
}

const clause = (name: string, parts: readonly SqlFragment[], separator: string): SqlFragment =>
  parts.length === 0 ? keyword('') : sql`${keyword(` ${name} `)}${joinSql(parts, separator)}`;

const columnName = (index: number): SqlFragment => keyword(`k${index + 1}`);

/** For GROUP BY, which takes a name for that of a table's column first. */
const position = (index: number): SqlFragment => keyword(String(index + 1));

const sortSql = (expression: SqlFragment, direction: 'ASC' | 'DESC'): SqlFragment =>
  sql`${expression} ${keyword(direction)}`;

const pageSql = ({ limit, offset }: StatementParts): SqlFragment =>
  offset === 0 ? sql` LIMIT ${limit}::bigint` : sql` LIMIT ${limit}::bigint OFFSET ${offset}::bigint`;
