import type { TypedSql } from '../expressions/typed-sql.js';
import { refuse } from '../filters/refuse.js';
import type { PlacedFilters } from './filters.js';
import { fieldKey, type Output, type Selection } from './outputs.js';
import { isSameColumn } from './sources.js';
import type { SortKey } from './sort.js';

/** What a grouped query groups by, beside the columns of the result without an aggregate. */
export interface GroupKey {
  readonly key: string;
  readonly value: TypedSql;
}

/**
 * The keys that are not selected.
 *
 * @returns undefined if the query is not grouped
 */
export function resolveGrouping(
  selection: Selection,
  outputs: readonly Output[],
  { having }: PlacedFilters,
  sort: readonly SortKey[],
): GroupKey[] | undefined {
  const { query, issues } = selection;
  const resolved = query.groupBy.flatMap((reference, index) => {
    const key = fieldKey(selection, reference.tableId, reference.column);
    return issues.attempt(`group_by[${index}].column`, () => ({ key, value: toKey(selection, reference) })) ?? [];
  });
  const isGrouped =
    having.length > 0 || outputs.some(({ value }) => value.isAggregate) || sort.some(({ value }) => value.isAggregate);
  if (!isGrouped) {
    return undefined;
  }
  const selected = new Set(outputs.filter(({ value }) => !value.isAggregate).map(({ key }) => key));
  const extra = [...new Map(resolved.map((one) => [one.key, one])).values()].filter(({ key }) => !selected.has(key));
  extra.forEach(({ value }) => selection.sources.use(value));
  checkGrouped(selection, outputs, extra, having, sort);
  return extra;
}

function toKey({ fields, sources }: Selection, reference: { tableId: string; column: string }): TypedSql {
  const value = fields.has(reference.column) ? fields.get(reference.column) : sources.get(reference, 'Group by column');
  return value.isAggregate
    ? refuse('INVALID_AGGREGATION', `'${reference.column}' is an aggregate, by which nothing can be grouped`)
    : value;
}

/** PostgreSQL would refuse what is checked here. */
function checkGrouped(
  { issues }: Selection,
  outputs: readonly Output[],
  extra: readonly GroupKey[],
  having: PlacedFilters['having'],
  sort: readonly SortKey[],
): void {
  const keys = [
    ...outputs.map(({ value }) => value).filter((value) => !value.isAggregate),
    ...extra.map(({ value }) => value),
  ];
  for (const { name, dataType } of keys.filter((value) => !value.isSortable)) {
    issues.add({ code: 'INVALID_AGGREGATION', message: `'${name}' of type '${dataType}' cannot be grouped` });
  }
  const plain = keys
    .filter(({ size, columns }) => size === 1 && columns.length === 1)
    .map(({ columns }) => columns[0]!);
  const check = (value: TypedSql, field: string): void => {
    const bare = value.bareColumns.find((column) => !plain.some((key) => isSameColumn(key, column)));
    if (bare !== undefined) {
      const message = `'${value.name}' uses column '${bare.column.name}' beside an aggregate: select it, or group by it`;
      issues.add({ code: 'INVALID_AGGREGATION', message, field });
    }
  };
  outputs.filter(({ value }) => value.isAggregate).forEach(({ value }) => check(value, 'columns'));
  having.forEach(({ value, field }) => check(value, field));
  for (const { key, value, field } of sort.filter(({ output }) => output === undefined)) {
    if (value.isAggregate) {
      check(value, field);
    } else if (!extra.some((one) => one.key === key)) {
      const message = `'${value.name}' is sorted by, and must be selected or grouped by as well`;
      issues.add({ code: 'INVALID_AGGREGATION', message, field });
    }
  }
}
