import type { QueryDefinition } from '@prismiq/nestjs';
import fc from 'fast-check';
import { anyTree, TYPES, write, type Tree } from './expressions.js';

/** A definition, and the trees of its calculated fields `x0`, `x1`. */
export interface Case {
  definition: QueryDefinition;
  trees: Tree[];
}

const COLUMNS = Object.keys(TYPES);

const VALUES: Record<string, unknown[]> = {
  id: [1, 2, '3', 2.5, null, '99999999999'],
  k: [0, 1, '2', -1, null],
  t: ['a', 'b', 'ab', '', 1, null],
  n: [0, 0.5, '2', '-1.0', null],
  b: [true, 'false', 1, '0', null],
  d: ['2024-05-14', '2024-05', 'Q1 2024', '2024', '2024-05-15T10:00:00', null],
  s: ['2024-05-14', '2024-05', 'Q2 2024', '2023', '2024-05-14T23:30:00Z', '2024-05-15 08:00', null],
  // Numbers that a text or a boolean may be as well.
  x0: [0, 1, null],
  x1: [0, 1, null],
  nope: [1],
};

const COMPARISONS = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte'] as const;
const LISTS = ['in_', 'not_in', 'in_or_null'] as const;
const PATTERNS = ['like', 'ilike', 'not_like', 'not_ilike'] as const;

/** Decimals have texts that the evaluator does not know. */
const TEXTS = ['t', 'id', 'k'];

const tableId = fc.nat(2).map((index) => `t${index}`);
const anyColumn = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...COLUMNS) },
  { weight: 3, arbitrary: fc.constantFrom('x0', 'x1') },
);

const filter = fc
  .tuple(tableId, fc.oneof({ weight: 20, arbitrary: anyColumn }, fc.constant('nope')))
  .chain(([table_id, column]) => {
    const value = fc.constantFrom(...VALUES[column]!);
    return fc.oneof(
      fc.record({ operator: fc.constantFrom(...COMPARISONS), value }),
      fc.record({ operator: fc.constantFrom(...LISTS), value: fc.array(value, { maxLength: 3 }) }),
      fc.record({ operator: fc.constant('between' as const), value: fc.tuple(value, value) }),
      fc.record({ operator: fc.constantFrom('is_null' as const, 'is_not_null' as const) }),
      ...(TEXTS.includes(column) ? [fc.record({ operator: fc.constantFrom(...PATTERNS), value: fc.constantFrom('a%', '%B', '_', '%') })] : []),
      ...(TYPES[column] === 'date'
        ? [
            fc.record({ operator: fc.constantFrom('date_relative' as const, 'not_date_relative' as const), value: fc.constantFrom(-30, 0, '-1', 400) }),
            fc.record({ operator: fc.constant('date_window' as const), value: fc.record({ period: fc.constantFrom('quarterly', 'yearly'), value: fc.integer({ min: -2, max: 1 }) }) }),
          ]
        : []),
    ).map((condition) => ({ table_id, column, ...condition }));
  }); // prettier-ignore

/** Most of them fit the type of the column. */
const AGGREGATIONS: Record<string, string[]> = {
  number: ['none', 'none', 'none', 'sum', 'avg', 'count', 'count_distinct', 'min', 'max'],
  text: ['none', 'none', 'count', 'count_distinct', 'min', 'max'],
  date: ['none', 'none', 'count', 'count_distinct', 'min', 'max'],
  boolean: ['none', 'none', 'count', 'count_distinct'],
  any: ['none', 'none', 'none', 'none', 'count', 'max'],
};

const plainSelection = fc.tuple(tableId, anyColumn).chain(([table_id, column]) =>
  fc.record({
    table_id: fc.constant(table_id),
    column: fc.constant(column),
    aggregation: fc.constantFrom(...AGGREGATIONS[TYPES[column] ?? 'any']!),
  }),
);
const selected = fc.oneof(
  { weight: 8, arbitrary: plainSelection },
  { weight: 2, arbitrary: fc.record({ table_id: tableId, column: fc.constantFrom('d', 's'), aggregation: fc.constantFrom('none', 'max', 'count_distinct'), date_trunc: fc.constantFrom('day', 'week', 'month', 'quarter', 'year') }) },
  { weight: 1, arbitrary: fc.record({ table_id: tableId, column: fc.constant('*'), aggregation: fc.constant('count') }) },
); // prettier-ignore

const sortColumn = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('r0', 'r0', 'r1', 'r2') }, anyColumn);

const joinColumns = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('id', 'k', 'n'), fc.constantFrom('k', 'id')) },
  fc.tuple(fc.constantFrom('d', 's'), fc.constantFrom('d', 's')),
  fc.constant(['t', 't'] as const),
  fc.constant(['b', 't'] as const),
);
const join = fc.record({
  other: fc.nat(2),
  isForwards: fc.boolean(),
  columns: joinColumns,
  type: fc.constantFrom('INNER', 'INNER', 'LEFT', 'RIGHT', 'FULL'),
});

const timeSeries = fc.record({
  table_id: tableId,
  date_column: fc.constantFrom('d', 's'),
  interval: fc.constantFrom('week', 'month', 'quarter', 'year', 'DAY'),
  fill_missing: fc.boolean(),
  fill_value: fc.constantFrom(0, -1, 0.5),
  alias: fc.constant('bucket'),
});

/** Definitions that are mostly right: table ids exist, and most tables are joined. */
export const anyCase: fc.Arbitrary<Case> = fc
  .record({
    tables: fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }),
    joins: fc.tuple(join, join, fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, join)),
    columns: fc.array(selected, { minLength: 1, maxLength: 4 }),
    filters: fc.array(filter, { maxLength: 3 }),
    group_by: fc.array(fc.record({ table_id: tableId, column: anyColumn }), { maxLength: 2 }),
    order_by: fc.array(fc.record({ table_id: tableId, column: sortColumn, direction: fc.constantFrom('ASC', 'DESC') }), { maxLength: 2 }),
    page: fc.option(fc.record({ limit: fc.nat(5), offset: fc.nat(3) })),
    trees: fc.tuple(anyTree, anyTree),
    time_series: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, timeSeries),
  })
  .map(({ tables, joins, page, trees: [first, second], ...parts }) => {
    const trees = [withoutCalculated(first), second].map((tree) => fitTables(tree, tables.length));
    const definition: any = JSON.parse(JSON.stringify(parts), (key, value: unknown) =>
      key === 'table_id' ? `t${Number((value as string).slice(1)) % tables.length}` : value,
    );
    definition.columns.forEach((column: any, index: number) => (column.alias = `r${index}`));
    const count = definition.columns.length as number;
    // `r2` is there if there are three columns.
    definition.order_by = definition.order_by.filter(({ column }: any) => !/^r/.test(column) || Number(column.slice(1)) < count);
    if (page !== null) {
      // Each row has its place then, but for rows that are equal.
      const all = definition.columns.map(({ table_id, alias }: any) => ({ table_id, column: alias }));
      const { time_series: series } = definition;
      const isBucket = ({ table_id, column, aggregation }: any) => table_id === series.table_id && column === series.date_column && aggregation === 'none';
      if (series !== null && !definition.columns.some(isBucket)) {
        all.push({ table_id: 't0', column: 'bucket' });
      }
      Object.assign(definition, page, { order_by: [...definition.order_by, ...all] });
    }
    const ends = (index: number, { other, isForwards, columns: [own, others], type }: NonNullable<(typeof joins)[0]>) => {
      const [one, two] = [{ table: index, column: own }, { table: other % tables.length, column: others }];
      const [from, to] = isForwards ? [one, two] : [two, one];
      return { from_table_id: `t${from.table}`, from_column: from.column, to_table_id: `t${to.table}`, to_column: to.column, join_type: type };
    };
    const tied = tables.slice(1).map((_, index) => ends(index + 1, { ...joins[index]!, other: joins[index]!.other % (index + 1) }));
    return {
      trees,
      definition: {
        ...definition,
        tables: tables.map((name, index) => ({ id: `t${index}`, name })),
        joins: joins[2] === null || tables.length < 2 ? tied : [...tied, ends(0, joins[2])],
        calculated_fields: trees.map((tree, index) => ({ name: `x${index}`, expression: write(tree) })),
      } as unknown as QueryDefinition,
    };
  }); // prettier-ignore

/** The first field cannot refer to itself. */
const withoutCalculated = (tree: Tree): Tree =>
  mapTree(tree, (one) => (one.op === 'calculated' ? { op: 'literal', value: 1 } : one));

const fitTables = (tree: Tree, count: number): Tree =>
  mapTree(tree, (one) => (one.op === 'field' ? { ...one, table: one.table % count } : one));

const mapTree = (tree: Tree, change: (tree: Tree) => Tree): Tree =>
  change(
    Object.fromEntries(
      Object.entries(tree).map(([key, part]: [string, unknown]) => [
        key,
        Array.isArray(part)
          ? part.map((one: Tree) => mapTree(one, change))
          : typeof part === 'object' && part !== null
            ? mapTree(part as Tree, change)
            : part,
      ]),
    ) as Tree,
  );
