import type { CreateDashboard } from '@prismiq/nestjs';
import { aggregate, monthly, notCancelled, on, orderCount, orderQuery, revenue, select } from './order-query.js';

/** Sales by month and region. */
export const salesDashboard = (currencySymbol: string): CreateDashboard => {
  const money = { valueFormat: 'currency', currencySymbol, decimalDigits: 0 };
  return {
    name: 'Sales',
    description: 'Revenue and orders of the last two years, without cancelled orders',
    isPublic: true,
    layout: { columns: 12, row_height: 60, margin: [16, 16], compact_type: 'vertical' },
    filters: [
      { id: 'ordered', type: 'date_range', label: 'Ordered', field: 'ordered_at', table: 'orders' },
      { id: 'region', type: 'multi_select', label: 'Region', field: 'region', table: 'orders', dynamic: true },
    ],
    widgets: [
      {
        type: 'metric',
        title: 'Revenue',
        position: { x: 0, y: 0, w: 4, h: 2 },
        query: orderQuery([revenue], { filters: [notCancelled] }),
        config: { format: 'currency', currencySymbol, compactNotation: 'K', decimalDigits: 1 },
      },
      {
        type: 'metric',
        title: 'Orders',
        position: { x: 4, y: 0, w: 4, h: 2 },
        query: orderQuery([orderCount], { filters: [notCancelled] }),
        config: { format: 'number' },
      },
      {
        type: 'metric',
        title: 'Average order',
        position: { x: 8, y: 0, w: 4, h: 2 },
        query: orderQuery([aggregate('avg', 'amount', 'average')], { filters: [notCancelled] }),
        config: { format: 'currency', currencySymbol, decimalDigits: 2 },
      },
      {
        type: 'area_chart',
        title: 'Revenue by month',
        position: { x: 0, y: 2, w: 8, h: 5, minW: 4, minH: 3 },
        query: orderQuery([revenue], { filters: [notCancelled], time_series: monthly }),
        config: { x_axis: 'month', y_axis: ['revenue'], ...money },
      },
      {
        type: 'pie_chart',
        title: 'Revenue by region',
        position: { x: 8, y: 2, w: 4, h: 5 },
        query: orderQuery([select('region'), revenue], { filters: [notCancelled], group_by: [on('region')] }),
        config: { x_axis: 'region', y_axis: ['revenue'], show_legend: true, cross_filter: { enabled: true }, ...money },
      },
      {
        type: 'table',
        title: 'Latest orders',
        position: { x: 0, y: 7, w: 12, h: 6 },
        query: orderQuery(['number', 'customer', 'region', 'status', 'amount', 'ordered_at'].map(select), {
          order_by: [{ ...on('ordered_at'), direction: 'DESC' }],
          limit: 50,
        }),
        config: { page_size: 10, sortable: true, dateFormats: { ordered_at: 'yyyy-MM-dd' } },
      },
    ],
  };
};
