import type { CreateDashboard } from '@prismiq/nestjs';
import { monthly, on, orderCount, orderQuery, select } from './order-query.js';

const open = { ...on('status'), operator: 'in_' as const, value: ['pending', 'paid'] };

/** The orders that have to be shipped. */
export const fulfilmentDashboard: CreateDashboard = {
  name: 'Fulfilment',
  description: 'Orders on their way, and those that wait',
  isPublic: true,
  filters: [
    { id: 'number', type: 'text', label: 'Order number', field: 'number', table: 'orders' },
    { id: 'amount', type: 'number_range', label: 'Amount', field: 'amount', table: 'orders' },
  ],
  widgets: [
    {
      type: 'text',
      title: 'How to read this',
      position: { x: 0, y: 0, w: 6, h: 2 },
      config: { content: '**Open** orders are *pending* or *paid*, and not shipped yet.', markdown: true },
    },
    {
      type: 'metric',
      title: 'Open orders',
      position: { x: 6, y: 0, w: 6, h: 2 },
      query: orderQuery([orderCount], { filters: [open] }),
      config: { format: 'number' },
    },
    {
      type: 'bar_chart',
      title: 'Orders by status',
      position: { x: 0, y: 2, w: 5, h: 5 },
      query: orderQuery([select('status'), orderCount], { group_by: [on('status')] }),
      config: { x_axis: 'status', y_axis: ['orders'], orientation: 'horizontal', show_data_labels: true },
    },
    {
      type: 'line_chart',
      title: 'Orders by month and status',
      position: { x: 5, y: 2, w: 7, h: 5 },
      query: orderQuery([select('status'), orderCount], { group_by: [on('status')], time_series: monthly }),
      config: { x_axis: 'month', y_axis: ['orders'], series_column: 'status', max_series: 5, show_legend: true },
    },
    {
      type: 'table',
      title: 'Open orders, oldest first',
      position: { x: 0, y: 7, w: 12, h: 5 },
      query: orderQuery(['number', 'customer', 'region', 'status', 'ordered_at'].map(select), {
        filters: [open],
        order_by: [{ ...on('ordered_at'), direction: 'ASC' }],
        limit: 100,
      }),
      config: { page_size: 20, sortable: true, dateFormats: { ordered_at: 'yyyy-MM-dd HH:mm' } },
    },
  ],
};
