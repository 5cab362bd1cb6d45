import { TenantContext, QueryService } from '@prismiq/nestjs';
// The conversion is not what is compared: both have the same.
import { valueType } from '../../libs/prismiq/dist/query/run/value-types.js';
import { NestFactory } from '@nestjs/core';
import { openPool } from './support/database.mjs';
import { hostModule } from './support/host.mjs';

export const TENANT = 'acme';
export const SCHEMA = 'tenant_acme';

/** How a value is read: what `types` of a query are for `pg`. */
const TYPES = { getTypeParser: (oid) => valueType(oid).convert };

/** The statements as an expert would write them. */
const STATEMENTS = {
  list: `SELECT id, status, total, placed_at, customer_id FROM ${SCHEMA}.orders ORDER BY id LIMIT 1000`,
  aggregate: `SELECT c.region, count(o.id), sum(o.total), avg(o.total) FROM ${SCHEMA}.orders o JOIN ${SCHEMA}.customers c ON o.customer_id = c.id
    WHERE o.status = ANY ($1::text[]) GROUP BY 1`,
  series: `WITH grouped AS (SELECT date_trunc('day', placed_at AT TIME ZONE 'UTC') AS bucket, sum(total) AS total, count(*) AS n FROM ${SCHEMA}.orders
      WHERE placed_at >= $1::timestamptz GROUP BY 1)
    SELECT b.bucket, coalesce(g.total, 0), coalesce(g.n, 0) FROM (SELECT generate_series(min(bucket), max(bucket), interval '1 day') AS bucket FROM grouped) b
    LEFT JOIN grouped g ON g.bucket = b.bucket ORDER BY 1`,
};
export const VALUES = { list: [], aggregate: [['paid', 'shipped']], series: ['2024-06-01T00:00:00Z'] };

const ORDERS = { id: 'o', name: 'orders' };
const on = (column) => ({ table_id: 'o', column });

export const QUERIES = {
  list: {
    tables: [ORDERS],
    columns: ['id', 'status', 'total', 'placed_at', 'customer_id'].map(on),
    order_by: [on('id')],
    limit: 1000,
  },
  aggregate: {
    tables: [ORDERS, { id: 'c', name: 'customers' }],
    joins: [{ from_table_id: 'o', from_column: 'customer_id', to_table_id: 'c', to_column: 'id' }],
    columns: [
      { table_id: 'c', column: 'region' },
      { ...on('id'), aggregation: 'count', alias: 'n' },
      { ...on('total'), aggregation: 'sum', alias: 'sum' },
      { ...on('total'), aggregation: 'avg', alias: 'avg' },
    ],
    filters: [{ ...on('status'), operator: 'in_', value: VALUES.aggregate[0] }],
  },
  series: {
    tables: [ORDERS],
    columns: [
      { ...on('total'), aggregation: 'sum', alias: 'total' },
      { ...on('*'), aggregation: 'count', alias: 'n' },
    ],
    filters: [{ ...on('placed_at'), operator: 'gte', value: VALUES.series[0] }],
    time_series: { ...{ table_id: 'o', date_column: 'placed_at', interval: 'day' }, fill_missing: true },
  },
};

/** The hand-written statement, sent by `pg`, with the same conversion of rows. */
export function floor(url, connections) {
  const pool = openPool(url, connections);
  return {
    name: 'pg, by hand',
    run: async (name) => {
      const { rows } = await pool.query({
        text: STATEMENTS[name],
        values: VALUES[name],
        types: TYPES,
        rowMode: 'array',
      });
      return rows;
    },
    close: () => pool.end(),
  };
}

/** Ours, as a host calls it. */
export async function ours(url, connections) {
  const options = {
    resolver: () => undefined,
    query: {
      tables: { orders: {}, customers: {}, events: {} },
      maximumRows: 1_000_000,
      limits: { concurrency: connections, perTenant: connections },
    },
  };
  const app = await NestFactory.createApplicationContext(hostModule(url, connections, options), { logger: false });
  const [tenants, queries] = [app.get(TenantContext), app.get(QueryService)];
  const inTenant = (work) => tenants.runInTenant(TENANT, work);
  return {
    name: 'QueryService',
    run: async (name) => (await inTenant(() => queries.run(QUERIES[name]))).rows,
    runAny: (query) => inTenant(() => queries.run(query)),
    compile: (name) => inTenant(() => queries.compile(QUERIES[name])),
    close: () => app.close(),
  };
}
