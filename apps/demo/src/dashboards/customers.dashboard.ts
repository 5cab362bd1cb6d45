import type { CreateDashboard } from '@prismiq/nestjs';
import { aggregate, notCancelled, on, orderCount, orderQuery, revenue, select } from './order-query.js';

/** The customers and their orders. */
export const customersDashboard = (currencySymbol: string): CreateDashboard => ({
  name: 'Customers',
  description: 'The best customers, and what they order',
  isPublic: true,
  filters: [{ id: 'region', type: 'select', label: 'Region', field: 'region', table: 'orders', dynamic: true }],
  widgets: [
    {
      type: 'metric',
      title: 'Customers',
      position: { x: 0, y: 0, w: 6, h: 2 },
      query: orderQuery([aggregate('count_distinct', 'customer', 'customers')]),
      config: { format: 'number' },
    },
    {
      type: 'metric',
      title: 'Largest order',
      position: { x: 6, y: 0, w: 6, h: 2 },
      query: orderQuery([aggregate('max', 'amount', 'largest')], { filters: [notCancelled] }),
      config: { format: 'currency', currencySymbol },
    },
    {
      type: 'bar_chart',
      title: 'Revenue by customer',
      position: { x: 0, y: 2, w: 7, h: 6, minW: 4, minH: 4 },
      query: orderQuery([select('customer'), revenue], { filters: [notCancelled], group_by: [on('customer')] }),
      config: {
        x_axis: 'customer',
        y_axis: ['revenue'],
        orientation: 'horizontal',
        valueFormat: 'currency',
        currencySymbol,
      },
    },
    {
      type: 'scatter_chart',
      title: 'Orders and revenue',
      position: { x: 7, y: 2, w: 5, h: 6 },
      query: orderQuery([select('customer'), orderCount, revenue], { group_by: [on('customer')] }),
      config: { x_axis: 'orders', y_axis: ['revenue'], valueFormat: 'currency', currencySymbol, compactNotation: 'K' },
    },
    {
      type: 'pie_chart',
      title: 'Revenue by segment',
      position: { x: 0, y: 8, w: 6, h: 5 },
      query: {
        tables: [
          { id: 'o', name: 'orders' },
          { id: 'c', name: 'customers' },
        ],
        joins: [{ from_table_id: 'o', from_column: 'customer_id', to_table_id: 'c', to_column: 'id' }],
        columns: [{ table_id: 'c', column: 'segment' }, revenue],
        filters: [notCancelled],
      },
      config: { x_axis: 'segment', y_axis: ['revenue'], show_legend: true, valueFormat: 'currency', currencySymbol },
    },
    {
      type: 'table',
      title: 'Customers without an order this year',
      position: { x: 6, y: 8, w: 6, h: 5 },
      config: {
        data_source_mode: 'sql',
        raw_sql: `SELECT c.name, c.segment, max(o.ordered_at)::date AS last_order
FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
GROUP BY c.name, c.segment
HAVING coalesce(max(o.ordered_at), timestamptz '2000-01-01') < date_trunc('year', now())
ORDER BY last_order NULLS FIRST`,
      },
    },
  ],
});
