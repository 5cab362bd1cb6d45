import type { CreateDashboard } from '@prismiq/nestjs';
import { on, orderCount, orderQuery, revenue, select } from './order-query.js';

/** The dashboard that a new tenant starts with. */
export const starterDashboard: CreateDashboard = {
  name: 'Getting started',
  description: 'Change it as you like: it is yours',
  isPublic: true,
  widgets: [
    {
      type: 'text',
      title: 'Welcome',
      position: { x: 0, y: 0, w: 12, h: 2 },
      config: { content: 'Your orders show up here as soon as there are some.', markdown: true },
    },
    {
      type: 'metric',
      title: 'Orders',
      position: { x: 0, y: 2, w: 6, h: 2 },
      query: orderQuery([orderCount]),
      config: { format: 'number' },
    },
    {
      type: 'metric',
      title: 'Revenue',
      position: { x: 6, y: 2, w: 6, h: 2 },
      query: orderQuery([revenue]),
      config: { format: 'number', decimalDigits: 2 },
    },
    {
      type: 'bar_chart',
      title: 'Orders by status',
      position: { x: 0, y: 4, w: 12, h: 5 },
      query: orderQuery([select('status'), orderCount], { group_by: [on('status')] }),
      config: { x_axis: 'status', y_axis: ['orders'] },
    },
  ],
};
