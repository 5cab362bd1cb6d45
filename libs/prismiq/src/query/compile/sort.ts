import type { ParsedOrder } from '../definition/parsed-query.js';
import type { TypedSql } from '../expressions/typed-sql.js';
import { refuse } from '../filters/refuse.js';
import { fieldKey, type Output, type Selection } from './outputs.js';

/** What an entry of `order_by` sorts by. */
export interface SortKey {
  readonly direction: 'ASC' | 'DESC';
  /** Where it stands in the definition. */
  readonly field: string;
  /** The column or calculated field. */
  readonly key: string;
  readonly value: TypedSql;
  /** The position of the result's column that shows it; undefined if it is not selected. */
  readonly output: number | undefined;
}

/** A time series is in the order of its buckets, unless the query wants another one. */
export function resolveSort(selection: Selection, outputs: readonly Output[]): SortKey[] {
  const { query, sources, issues } = selection;
  const bucket = outputs.findIndex(({ role }) => role === 'bucket');
  if (query.orderBy.length === 0 && bucket >= 0) {
    return [{ ...showing(outputs, bucket), direction: 'ASC', field: 'time_series' }];
  }
  return query.orderBy.flatMap((order, index) => {
    const isNamed = (column: { readonly alias?: string | undefined }) => column.alias === order.column;
    if (query.columns.some(isNamed) && !outputs.some(({ name }) => name === order.column)) {
      return []; // The column of the result has a fault of its own.
    }
    const field = `order_by[${index}].column`;
    return (
      issues.attempt(field, () => {
        const target = findTarget(selection, outputs, order);
        sources.use(target.value);
        if (!target.value.isSortable) {
          refuse('TYPE_MISMATCH', `'${order.column}' of type '${target.value.dataType}' cannot be sorted`);
        }
        return { ...target, direction: order.direction, field };
      }) ?? []
    );
  });
}

type Target = Pick<SortKey, 'key' | 'value' | 'output'>;

const showing = (outputs: readonly Output[], output: number): Target => {
  const { key, value } = outputs[output]!;
  return { key, value, output };
};

function findTarget(selection: Selection, outputs: readonly Output[], { tableId, column }: ParsedOrder): Target {
  const { fields, sources } = selection;
  const key = fieldKey(selection, tableId, column);
  const plain = outputs.findIndex((output) => output.key === key && !output.isAggregated);
  const shown = plain < 0 ? outputs.findIndex((output) => output.key === key) : plain;
  if (shown >= 0) {
    return showing(outputs, shown);
  }
  const value = fields.has(column) ? fields.get(column) : sources.find({ tableId, column });
  if (value !== undefined) {
    return { key, value, output: undefined };
  }
  const named = outputs.findIndex(({ name }) => name === column);
  return named < 0 ? sources.refuseColumn({ tableId, column }, 'Order by column') : showing(outputs, named);
}
