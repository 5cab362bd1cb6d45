import { passes } from './conditions.js';
import { next, truncate } from './dates.js';
import type { Case } from './definitions.js';
import { AGGREGATES, children, compute, typeOf, TYPES, type Tree, type Type, type Value } from './expressions.js';

export type Row = Record<string, Value>;
export type Data = Record<string, Row[]>;

/** One row for each table of the query; `null` on the empty side of an outer join, `undefined` for a table that is left out. */
type Joined = (Row | null | undefined)[];

type Definition = any;

const indexOf = (tableId: string): number => Number(tableId.slice(1));
const isCalculated = (column: string): boolean => /^x\d$/.test(column);

/** Answers a query as slowly and obviously as possible, by the rules of the query contract. */
export class Evaluator {
  readonly #definition: Definition;

  constructor(
    { definition, trees }: Case,
    private readonly data: Data,
  ) {
    this.#definition = definition;
    this.trees = trees;
  }

  private readonly trees: Tree[];

  rows(): Value[][] {
    const { columns, time_series: series, order_by: orderBy, limit, offset = 0 } = this.#definition;
    let outputs: any[] = columns.map((column: any) => ({ ...column, isBucket: this.#isBucket(column) }));
    if (series !== null && series !== undefined && !outputs.some(({ isBucket }) => isBucket)) {
      outputs = [{ table_id: series.table_id, column: series.date_column, alias: series.alias, isBucket: true }, ...outputs];
    }
    const filters = this.#definition.filters.filter(({ column }: any) => column !== 'nope');
    const having = filters.filter(({ column }: any) => this.#aggregates(column));
    const sorts = orderBy.map((order: any) => ({ ...order, target: this.#sortTarget(outputs, order) }));
    const isGrouped =
      having.length > 0 ||
      outputs.some((output) => this.#isAggregate(output)) ||
      sorts.some(({ target, column }: any) => target === undefined && this.#aggregates(column));
    const groupBy = isGrouped ? this.#definition.group_by : [];
    const joined = this.#joinedRows(outputs, filters, groupBy, sorts);

    let groups: Joined[][] = joined.map((row) => [row]);
    const keys = [...outputs.filter((output) => !this.#isAggregate(output)), ...groupBy.filter((one: any) => !this.#isSelected(outputs, one))];
    if (isGrouped) {
      const byKey = Map.groupBy(joined, (row) => JSON.stringify(keys.map((key) => this.#plain(key, row))));
      groups = keys.length === 0 ? [joined] : [...byKey.values()];
      groups = groups.filter((group) =>
        having.every(({ column, operator, value }: any) =>
          passes(this.#calculated(column, group), this.#typeOf(this.#tree(column)), operator, value ?? null),
        ),
      );
    }
    let records = groups.map((group) => ({
      values: outputs.map((output) => this.#value(output, group)),
      hidden: keys.slice(outputs.filter((output) => !this.#isAggregate(output)).length).map((key) => this.#plain(key, group[0]!)),
      sortedBy: sorts.map(({ target, ...order }: any) => (target === undefined ? this.#sortValue(order, group) : null)),
    }));
    if (isGrouped && series?.fill_missing === true) {
      records = this.#fill(outputs, records, series);
    }
    if (sorts.length === 0 && series) {
      sorts.push({ target: outputs.findIndex(({ isBucket }) => isBucket), direction: 'ASC' });
    }
    records.sort((one, other) => {
      for (const [index, { target, direction }] of sorts.entries()) {
        const [a, b] = [one, other].map((record) => (target === undefined ? record.sortedBy[index] : record.values[target])) as [Value, Value];
        const order = compareValues(a, b) * (direction === 'DESC' ? -1 : 1);
        if (order !== 0) {
          return order;
        }
      }
      return 0;
    });
    return records.map(({ values }) => values).slice(offset, limit === undefined ? undefined : offset + limit);
  }

  #isBucket({ table_id, column, aggregation = 'none' }: any): boolean {
    const series = this.#definition.time_series;
    return Boolean(series) && aggregation === 'none' && table_id === series.table_id && column === series.date_column;
  }

  #tree = (column: string): Tree => this.trees[Number(column.slice(1))]!;

  #hasAggregate = (tree: Tree): boolean =>
    AGGREGATES.includes(tree.op) || (tree.op === 'calculated' ? this.#hasAggregate(this.trees[tree.index]!) : children(tree).some(this.#hasAggregate));

  #aggregates = (column: string): boolean => isCalculated(column) && this.#hasAggregate(this.#tree(column));

  #isAggregate({ column, aggregation = 'none' }: any): boolean {
    return aggregation !== 'none' || this.#aggregates(column);
  }

  #isSelected(outputs: any[], { table_id, column }: any): boolean {
    return outputs.some((output) => !this.#isAggregate(output) && output.column === column && (isCalculated(column) || output.table_id === table_id));
  }

  /** The position of a result's column, or `undefined` for what is not selected. */
  #sortTarget(outputs: any[], { table_id, column }: any): number | undefined {
    const isShown = (output: any) => output.column === column && (isCalculated(column) || output.table_id === table_id);
    const plain = outputs.findIndex((output) => isShown(output) && (output.aggregation ?? 'none') === 'none');
    const shown = plain < 0 ? outputs.findIndex(isShown) : plain;
    const alias = outputs.findIndex((output) => output.alias === column);
    return shown >= 0 ? shown : alias >= 0 ? alias : undefined;
  }

  #sortValue({ table_id, column }: any, group: Joined[]): Value {
    return isCalculated(column) ? this.#calculated(column, group) : this.#plain({ table_id, column }, group[0]!);
  }

  /** The tables that count: what names them, and the ends of all joins. */
  #usedTables(outputs: any[], filters: any[], groupBy: any[], sorts: any[]): Set<number> {
    const used = new Set<number>();
    const useTree = (tree: Tree): void => {
      if (tree.op === 'field') {
        used.add(tree.table);
      } else if (tree.op === 'calculated') {
        useTree(this.trees[tree.index]!);
      } else {
        children(tree).forEach(useTree);
      }
    };
    const hidden = sorts.filter(({ target }) => target === undefined);
    for (const { table_id, column } of [...outputs, ...filters, ...groupBy, ...hidden]) {
      if (isCalculated(column)) {
        useTree(this.#tree(column));
      } else {
        used.add(indexOf(table_id));
      }
    }
    for (const { from_table_id, to_table_id } of this.#definition.joins) {
      used.add(indexOf(from_table_id)).add(indexOf(to_table_id));
    }
    return used;
  }

  #joinedRows(outputs: any[], filters: any[], groupBy: any[], sorts: any[]): Joined[] {
    const { tables, joins } = this.#definition;
    const used = this.#usedTables(outputs, filters, groupBy, sorts);
    const base = used.size === 0 ? 0 : Math.min(...used);
    const conditions: ((row: Joined) => boolean)[] = [];
    const inJoins = new Map<any, ((row: Joined) => boolean)[]>(joins.map((join: any) => [join, []]));
    for (const filter of filters.filter(({ column }) => !this.#aggregates(column))) {
      const table = indexOf(filter.table_id);
      const nullable = isCalculated(filter.column)
        ? undefined
        : joins.find(({ join_type, from_table_id, to_table_id }: any) =>
            (['LEFT', 'FULL'].includes(join_type) && indexOf(to_table_id) === table) ||
            (['RIGHT', 'FULL'].includes(join_type) && indexOf(from_table_id) === table));
      const plain = (row: Joined) => this.#passes(filter, row);
      if (nullable !== undefined) {
        inJoins.get(nullable)!.push(plain);
      } else {
        conditions.push(this.#exclusion(filter, table, base) ?? plain);
      }
    }
    let rows: Joined[] = this.data[tables[base].name]!.map((row) => at(base, row));
    const there = new Set([base]);
    const waiting = [...joins];
    for (let index; (index = waiting.findIndex((join: any) => there.has(indexOf(join.from_table_id)) || there.has(indexOf(join.to_table_id)))) >= 0; ) {
      const [join] = waiting.splice(index, 1);
      const [from, to] = [indexOf(join.from_table_id), indexOf(join.to_table_id)];
      const isMatch = (row: Joined) => isTied(row[from]?.[join.from_column] ?? null, row[to]?.[join.to_column] ?? null);
      if (there.has(from) && there.has(to)) {
        conditions.push(isMatch);
        continue;
      }
      const added = there.has(from) ? to : from;
      there.add(added);
      const others = this.data[tables[added].name]!;
      const on = (row: Joined) => isMatch(row) && inJoins.get(join)!.every((condition) => condition(row));
      const pairs = rows.flatMap((row) => others.map((other) => ({ row, other, both: merge(row, added, other) }))).filter(({ both }) => on(both));
      const keepsFrom = ['LEFT', 'FULL'].includes(join.join_type);
      const keepsTo = ['RIGHT', 'FULL'].includes(join.join_type);
      const [keepsRows, keepsOthers] = added === to ? [keepsFrom, keepsTo] : [keepsTo, keepsFrom];
      const lonely = keepsRows ? rows.filter((row) => !pairs.some((pair) => pair.row === row)).map((row) => merge(row, added, null)) : [];
      const empty: Joined = [...there].reduce<Joined>((row, table) => merge(row, table, null), []);
      const alone = keepsOthers ? others.filter((other) => !pairs.some((pair) => pair.other === other)).map((other) => merge(empty, added, other)) : [];
      rows = [...pairs.map(({ both }) => both), ...lonely, ...alone];
    }
    return rows.filter((row) => conditions.every((condition) => condition(row)));
  }

  #passes({ table_id, column, operator, value = null }: any, row: Joined): boolean {
    const found = isCalculated(column) ? this.#calculated(column, [row]) : this.#plain({ table_id, column }, row);
    return passes(found, isCalculated(column) ? this.#typeOf(this.#tree(column)) : TYPES[column]!, operator, value);
  }

  /** "Not equal" on a table that is tied to the first one by INNER joins: no related row has the value. */
  #exclusion({ table_id, column, operator, value = null }: any, table: number, base: number) {
    const positive = { neq: 'eq', not_in: value?.includes?.(null) ? 'in_or_null' : 'in_' }[operator as 'neq'];
    const ties = this.#definition.joins.filter(({ join_type, from_table_id, to_table_id }: any) =>
      join_type === 'INNER' && [from_table_id, to_table_id].includes(table_id) && [from_table_id, to_table_id].includes(`t${base}`));
    const excludes = value !== null && (!Array.isArray(value) || value.some((one) => one !== null));
    if (positive === undefined || isCalculated(column) || table === base || ties.length === 0 || !excludes) {
      return undefined;
    }
    const rows = this.data[this.#definition.tables[table].name]!;
    return (row: Joined) =>
      !rows.some((related) =>
        ties.every(({ from_table_id, from_column, to_table_id, to_column }: any) =>
          from_table_id === table_id
            ? isTied(related[from_column]!, row[indexOf(to_table_id)]?.[to_column] ?? null)
            : isTied(related[to_column]!, row[indexOf(from_table_id)]?.[from_column] ?? null)) &&
        passes(related[column]!, TYPES[column]!, positive, value));
  }

  /** A value that does not aggregate. */
  #plain({ table_id, column, date_trunc, isBucket }: any, row: Joined): Value {
    if (isCalculated(column)) {
      return this.#calculated(column, [row]);
    }
    const value = row[indexOf(table_id)]?.[column] ?? null;
    const unit = isBucket === true ? this.#definition.time_series.interval.toLowerCase() : date_trunc;
    return value === null || unit === undefined ? value : truncate(value as string, unit);
  }

  #value(output: any, group: Joined[]): Value {
    const { column, aggregation = 'none' } = output;
    if (column === '*') {
      return group.length;
    }
    if (aggregation === 'none') {
      return isCalculated(column) ? this.#calculated(column, group) : this.#plain(output, group[0]!);
    }
    return aggregate(aggregation, group.map((row) => this.#plain(output, row)));
  }

  #calculated(column: string, group: Joined[]): Value {
    return this.#compute(this.#tree(column), group);
  }

  #compute(tree: Tree, group: Joined[]): Value {
    return compute(tree, (leaf) => {
      switch (leaf.op) {
        case 'field':
          return group[0]?.[leaf.table]?.[leaf.column] ?? null;
        case 'calculated':
          return this.#compute(this.trees[leaf.index]!, group);
        default:
          return aggregate(leaf.op, group.map((row) => this.#compute((leaf as { operand: Tree }).operand, [row])));
      }
    });
  }

  #typeOf = (tree: Tree): Type => typeOf(tree, this.trees);

  #fill(outputs: any[], records: { values: Value[]; hidden: Value[]; sortedBy: Value[] }[], series: any) {
    const unit = series.interval.toLowerCase();
    const at = outputs.findIndex(({ isBucket }) => isBucket);
    const isDimension = outputs.map((output) => !output.isBucket && !this.#isAggregate(output));
    const combination = ({ values, hidden }: (typeof records)[0]) => JSON.stringify([values.filter((_, index) => isDimension[index]), hidden]);
    const buckets = records.map(({ values }) => values[at] as string | null).filter((bucket) => bucket !== null).toSorted();
    const all: string[] = [];
    for (let bucket = buckets[0]; bucket !== undefined && bucket <= buckets.at(-1)!; bucket = next(bucket, unit)) {
      all.push(bucket);
    }
    const filled = [...Map.groupBy(records, combination).values()].flatMap((same) =>
      all.map((bucket) =>
        same.find(({ values }) => values[at] === bucket) ?? {
          ...same[0]!,
          values: same[0]!.values.map((value, index) =>
            outputs[index].isBucket ? bucket : isDimension[index] ? value : this.#fillValue(outputs[index], series.fill_value)),
          sortedBy: same[0]!.sortedBy.map((value, index) => {
            const { column } = this.#definition.order_by[index];
            return this.#aggregates(column) ? this.#fillValue({ column }, series.fill_value) : value;
          }),
        },
      ),
    );
    return [...filled, ...records.filter(({ values }) => values[at] === null)];
  }

  #fillValue({ column, aggregation = 'none' }: any, fill: number): Value {
    const keepsType = ['none', 'min', 'max'].includes(aggregation);
    const type = isCalculated(column) ? this.#typeOf(this.#tree(column)) : column === '*' ? 'number' : TYPES[column];
    return keepsType && type !== 'number' && column !== '*' ? null : fill;
  }
} // prettier-ignore

const at = (table: number, row: Row): Joined => merge([], table, row);

function merge(row: Joined, table: number, other: Row | null): Joined {
  const merged = [...row];
  merged[table] = other;
  return merged;
}

/** Days and moments are compared as moments. */
function isTied(one: Value, other: Value): boolean {
  if (one === null || other === null) {
    return false;
  }
  const isDate = (value: Value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value);
  return isDate(one) && isDate(other) ? Date.parse(one as string) === Date.parse(other as string) : one === other;
}

function aggregate(name: string, all: Value[]): Value {
  const values = all.filter((value) => value !== null);
  const numbers = values as number[];
  const sorted = values.toSorted(compareValues);
  switch (name) {
    case 'count':
      return values.length;
    case 'count_distinct':
      return new Set(values).size;
    case 'min':
      return sorted[0] ?? null;
    case 'max':
      return sorted.at(-1) ?? null;
    case 'sum':
      return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0);
    default:
      return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  }
}

/** NULL is the greatest, as in PostgreSQL. */
export function compareValues(one: Value, other: Value): number {
  if (one === null || other === null) {
    return Number(one === null) - Number(other === null);
  }
  return one < other ? -1 : one > other ? 1 : 0;
}
