import type { CreateDashboard } from '@prismiq/nestjs';
import { on, orderCount, orderQuery, revenue, select } from './order-query.js';

/** About the orders of one import. */
export const importDashboard = (batch: string): CreateDashboard => {
  const inBatch = { ...on('batch'), operator: 'eq' as const, value: batch };
  return {
    name: `Import: ${batch}`,
    isPublic: true,
    widgets: [
      {
        type: 'metric',
        title: 'Imported orders',
        position: { x: 0, y: 0, w: 6, h: 2 },
        query: orderQuery([orderCount], { filters: [inBatch] }),
        config: { format: 'number' },
      },
      {
        type: 'bar_chart',
        title: 'Revenue by region',
        position: { x: 6, y: 0, w: 6, h: 5 },
        query: orderQuery([select('region'), revenue], { filters: [inBatch], group_by: [on('region')] }),
        config: { x_axis: 'region', y_axis: ['revenue'] },
      },
    ],
  };
};
