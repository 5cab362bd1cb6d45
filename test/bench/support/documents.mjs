/** The documents of a dashboard as Prismiq's editor stores them; a query and a config have about 600 bytes each. */
export const LAYOUT = { columns: 12, row_height: 50, margin: [10, 10], compact_type: 'vertical' };

export const FILTERS = [
  {
    id: 'period',
    type: 'date_range',
    label: 'Period',
    field: 'created_at',
    table: 'orders',
    date_preset: 'last_30_days',
  },
  { id: 'region', type: 'multi_select', label: 'Region', field: 'region', table: 'customers', dynamic: true },
];

const TYPES = ['metric', 'bar_chart', 'line_chart', 'area_chart', 'pie_chart', 'table'];
const MEASURES = ['total', 'discount', 'shipping', 'tax'];

const query = (index) => ({
  tables: [
    { id: 't1', name: 'orders', alias: 'o' },
    { id: 't2', name: 'customers', alias: 'c' },
  ],
  columns: [
    { table_id: 't1', column: 'created_at', date_trunc: 'month', alias: 'month' },
    { table_id: 't2', column: 'region', aggregation: 'none' },
    { table_id: 't1', column: MEASURES[index % 4], aggregation: 'sum', alias: `measure_${index}` },
  ],
  joins: [{ from_table_id: 't1', from_column: 'customer_id', to_table_id: 't2', to_column: 'id', join_type: 'LEFT' }],
  filters: [{ table_id: 't1', column: 'status', operator: 'in_', value: ['paid', 'shipped'] }],
  group_by: [{ table_id: 't2', column: 'region' }],
  order_by: [{ table_id: 't1', column: 'created_at', direction: 'ASC' }],
  limit: 500 + index,
});

const config = (index) => ({
  data_source_mode: 'guided',
  x_axis: 'month',
  y_axis: [`measure_${index}`],
  colors: ['#2563eb', '#16a34a', '#f59e0b', '#dc2626', '#7c3aed', '#0891b2'],
  show_legend: true,
  legend_position: 'bottom',
  show_grid: index % 2 === 0,
  number_format: { style: 'currency', currency: 'EUR', decimals: 2, compact: true },
  reference_lines: [{ value: 10_000 + index, label: 'Target of the quarter', color: '#dc2626', style: 'dashed' }],
  hyperlink: { url: `https://intranet.example.com/reports/${index}`, title: 'Open the report', target: '_blank' },
  cross_filter: { enabled: true, column: 'region', table: 'customers' },
  refresh_interval: 300,
});

/** The widgets of a dashboard, in a grid of three columns. */
export const widgets = (count) =>
  Array.from({ length: count }, (_, index) => ({
    type: TYPES[index % TYPES.length],
    title: `Widget ${index + 1}`,
    query: query(index),
    position: { x: (index % 3) * 4, y: Math.floor(index / 3) * 4, w: 4, h: 4 },
    config: config(index),
  }));
