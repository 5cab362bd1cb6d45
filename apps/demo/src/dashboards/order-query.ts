import type { QueryDefinition } from '@prismiq/nestjs';

type Column = QueryDefinition['columns'][number];

const ORDERS = { id: 'o', name: 'orders' };

/** A column of `orders`, as filters and the rest of a query name it. */
export const on = (column: string) => ({ table_id: ORDERS.id, column });

export const select = (column: string): Column => ({ ...on(column), aggregation: 'none' });

export const aggregate = (aggregation: Column['aggregation'], column: string, alias: string): Column => ({
  ...on(column),
  aggregation,
  alias,
});

/** A query over the tenant's orders. */
export const orderQuery = (
  columns: Column[],
  rest: Partial<Pick<QueryDefinition, 'filters' | 'group_by' | 'order_by' | 'limit' | 'time_series'>> = {},
): QueryDefinition => ({ tables: [ORDERS], columns, ...rest });

/** One point a month. */
export const monthly: QueryDefinition['time_series'] = {
  ...{ table_id: ORDERS.id, date_column: 'ordered_at', interval: 'month' },
  alias: 'month',
  fill_missing: true,
  fill_value: 0,
};

export const revenue = aggregate('sum', 'amount', 'revenue');
export const orderCount = aggregate('count', 'id', 'orders');
export const notCancelled = { ...on('status'), operator: 'neq' as const, value: 'cancelled' };
