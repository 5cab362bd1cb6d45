import type { INestApplication } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { DashboardRepository, PrismiqModule, TenantContext, type CreateWidget } from '@prismiq/nestjs';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { converse, type RawAnswer } from '../support/converse.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from '../support/host.js';
import { CLOCK, createQueryTables, ORDER_IDS, TABLES } from '../support/query-world.js';
import { until } from '../support/until.js';

const NOT_FOUND = { detail: 'Not Found' };
const POSITION = { x: 0, y: 0, w: 3, h: 2 };
const column = (name: string, data_type: string, more: object = {}) => ({
  ...{ name, data_type, is_nullable: true, is_primary_key: false, default_value: null },
  ...more,
});
const ORDERS = {
  name: 'orders',
  schema_name: 'public',
  columns: [
    column('id', 'integer', { is_nullable: false, is_primary_key: true }),
    column('status', 'text'),
    column('total', 'numeric'),
    column('customer_id', 'integer'),
    column('placed_at', 'timestamp with time zone', { is_nullable: false }),
    column('tags', 'ARRAY'),
  ],
  row_count: expect.any(Number),
};
const RESULT = {
  columns: ['id'],
  column_types: ['integer'],
  rows: [[1], [2], [3], [4], [5], [6], [7], [8]],
  row_count: 8,
  truncated: false,
  execution_time_ms: expect.any(Number),
  cached_at: null,
  is_from_cache: false,
};
const WIDGETS: CreateWidget[] = [
  { type: 'table', title: 'Ids', position: POSITION, query: ORDER_IDS },
  {
    type: 'table',
    title: 'SQL',
    position: { ...POSITION, y: 2 },
    config: { raw_sql: 'SELECT id FROM orders ORDER BY id' },
  },
  { type: 'text', title: 'Text', position: { ...POSITION, y: 4 }, config: { content: 'x' } },
];

describe.each(PLATFORMS)('the routes of queries, on %s', (platform) => {
  let database: TestDatabase;
  let app: INestApplication;
  let dashboard: { id: string; widgets: { id: string }[] };

  beforeAll(async () => {
    database = await TestDatabase.create();
    await createQueryTables(database, 'tenant_acme');
    app = await boot(
      {
        imports: [
          ormModule(database, { pool: { max: 6 } }),
          PrismiqModule.forRoot({
            resolver,
            controllers: { path: 'api', guards: [TokenGuard] },
            query: {
              tables: {
                ...TABLES,
                orders: {
                  displayName: 'Orders',
                  description: 'What was bought',
                  columns: { total: { format: 'currency' } },
                },
              },
              clock: CLOCK,
              limits: { timeoutMs: 1000 },
              sqlMode: { mayRun: ({ userId }) => userId === 'ada' },
            },
          }),
        ],
      },
      platform,
    );
    dashboard = await app.get(TenantContext).runInTenant({ tenantId: 'acme', userId: 'ada' }, () =>
      app.get(DashboardRepository).create({
        name: 'D',
        isPublic: true,
        filters: [
          { id: 'f', type: 'select', label: 'Status', field: 'status', table: 'orders', default_value: 'open' },
        ],
        widgets: WIDGETS,
      }),
    );
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const send = (method: string, path: string, body?: unknown, user = 'ada'): Promise<RawAnswer> =>
    converse(app, {
      method,
      path: `/api${path}`,
      headers: { 'Content-Type': 'application/json', Authorization: bearer('acme', user) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const widget = (index: number) => `/dashboards/${dashboard.id}/widgets/${dashboard.widgets[index]!.id}/execute`;

  it.each([
    ['GET', '/schema', undefined, { tables: [expect.objectContaining({ name: 'customers' }), ORDERS],
      relationships: [{ from_table: 'orders', from_column: 'customer_id', to_table: 'customers', to_column: 'id' }] }],
    ['GET', '/data-sources', undefined, [
      { id: 'customers', table: 'customers', title: 'customers', subtitle: '' },
      { id: 'orders', table: 'orders', title: 'Orders', subtitle: 'What was bought' }]],
    ['GET', '/tables', undefined, ['customers', 'orders']],
    ['GET', '/tables/orders', undefined, ORDERS],
    ['GET', '/tables/orders/enhanced', undefined, { ...ORDERS, display_name: 'Orders', description: 'What was bought',
      columns: ORDERS.columns.map((one) => ({ ...one, display_name: null, description: null, date_format: null,
        format: one.name === 'total' ? 'currency' : null })) }],
    ['GET', '/schema/enhanced', undefined, expect.objectContaining({ tables: expect.arrayContaining([expect.objectContaining({ display_name: 'Orders' })]) })],
    ['GET', '/tables/orders/columns/status/sample', undefined, { values: ['50%_off', 'open', 'paid', 'refund'] }],
    ['GET', '/tables/orders/columns/total/sample?limit=2', undefined, { values: [-10, 0] }],
    ['GET', '/tables/orders/columns/placed_at/sample?limit=1', undefined, { values: ['2023-05-15T10:00:00Z'] }],
    ['POST', '/query/execute', { query: ORDER_IDS, bypass_cache: false }, RESULT],
    ['POST', '/query/execute', ORDER_IDS, RESULT],
    ['POST', '/query/preview?limit=3', ORDER_IDS, { ...RESULT, rows: [[1], [2], [3]], row_count: 3 }],
    ['POST', '/query/preview', { query: { ...ORDER_IDS, limit: 2 }, limit: 5 }, { ...RESULT, rows: [[1], [2]], row_count: 2 }],
    ['POST', '/query/preview?limit=4', { query: ORDER_IDS, limit: 1 }, { ...RESULT, rows: [[1]], row_count: 1 }],
    ['POST', '/query/sql', { ...ORDER_IDS, filters: [{ table_id: 'o', column: 'status', operator: 'eq', value: 's3cret' },
      { table_id: 'o', column: 'nope', operator: 'eq', value: 1 }] }, { sql: expect.stringMatching(/^(?!.*s3cret)SELECT .*\$1/s) }],
    ['POST', '/query/validate', ORDER_IDS, { valid: true, errors: [] }],
    ['POST', '/query/validate', { ...ORDER_IDS, filters: [{ table_id: 'o', column: 'nope', operator: 'eq', value: 1 }] },
      { valid: false, errors: [`Filter column 'nope' not found in table 'orders'`] }],
    ['POST', '/query/validate/detailed', { ...ORDER_IDS, tables: [{ id: 'o', name: 'ordres' }] }, { result: { valid: false,
      errors: [{ code: 'TABLE_NOT_FOUND', message: `Table 'ordres' not found in schema`, field: 'tables[0].name', suggestion: expect.stringContaining('orders') }] } }],
    ['POST', '/query/execute/timeseries', { query: { ...ORDER_IDS, columns: [{ table_id: 'o', column: '*', aggregation: 'count', alias: 'n' }], order_by: [] },
      interval: 'year', date_column: 'placed_at' },
      { ...RESULT, columns: ['placed_at_bucket', 'n'], column_types: ['timestamp without time zone', 'bigint'],
        rows: [['2023-01-01T00:00:00', 2], ['2024-01-01T00:00:00', 6]], row_count: 2 }],
    ['POST', '/query/validate-sql', { sql: 'SELECT id FROM orders WHERE status = :s' }, { valid: true, errors: [], tables: ['orders'] }],
    ['POST', '/query/validate-sql', { sql: 'DELETE FROM orders' }, { valid: false, errors: [expect.any(String)], tables: [] }],
    ['POST', '/query/execute-sql', { sql: 'SELECT id FROM orders WHERE status = :s ORDER BY id', params: { s: 'paid' } },
      { ...RESULT, rows: [[1], [2], [8]], row_count: 3 }],
    ['POST', '/query/execute-sql', { sql: 'SELECT id FROM orders WHERE total > 60 OR id = 3 ORDER BY id',
      dashboard_filters: [{ id: 'f', type: 'select', label: 'S', field: 'status', table: 'orders' }], filter_values: [{ filter_id: 'f', value: 'paid' }] },
      { ...RESULT, rows: [[1], [8]], row_count: 2 }],
    ['POST', '/query/execute-sql', { sql: 'SELECT id FROM orders ORDER BY id',
      dashboard_filters: [{ id: 'f', type: 'select', label: 'S', field: 'status' }], filter_values: [{ filter_id: 'f' }] }, RESULT],
    ['GET', '/llm/status', undefined, { enabled: false }],
  ])('%s %s', async (method, path, body, expected) => {
    const answer = await send(method, path, body);
    expect([answer.status, answer.body]).toEqual([200, expected]);
    expect(answer.headers['cache-control']).toBe('no-store');
  }); // prettier-ignore

  it('executes widgets with the filters of their dashboard', async () => {
    const ids = async (index: number, body?: unknown) => (await send('POST', widget(index), body)).body.rows.flat();
    for (const index of [0, 1]) {
      expect(await ids(index)).toEqual([3, 4]);
      expect(await ids(index, [])).toEqual([3, 4]);
      expect(await ids(index, [{ filter_id: 'f', value: 'paid' }])).toEqual([1, 2, 8]);
      expect(
        await ids(index, [
          { filter_id: 'f', value: null },
          { filter_id: 'unknown', value: 1 },
        ]),
      ).toHaveLength(8);
    }
  });

  it.each([
    ['GET', '/tables/salaries', undefined, 404, 'Table not found: salaries'],
    ['GET', '/tables/prismiq_dashboards', undefined, 404, 'Table not found: prismiq_dashboards'],
    ['GET', '/tables/salaries/enhanced', undefined, 404, `Table 'salaries' not found`],
    ['GET', '/tables/salaries/columns/secret/sample', undefined, 404, 'Table not found: salaries'],
    ['GET', '/tables/orders/columns/nope/sample', undefined, 404, `Column 'nope' not found in table 'orders'`],
    ['GET', '/tables/orders/columns/id/sample?limit=0', undefined, 422, [expect.objectContaining({ loc: ['query', 'limit'] })]],
    ['POST', '/query/execute', {}, 422, expect.arrayContaining([expect.objectContaining({ loc: ['body', 'tables'] })])],
    ['POST', '/query/execute', { query: { ...ORDER_IDS, columns: [] } }, 422, [expect.objectContaining({ loc: ['body', 'query', 'columns'] })]],
    ['POST', '/query/execute', { query: ORDER_IDS, bypass_cache: 'x' }, 422, [expect.objectContaining({ loc: ['body', 'bypass_cache'] })]],
    ['POST', '/query/execute', { ...ORDER_IDS, tables: [{ id: 'o', name: 'nope' }] }, 400, `Query validation failed: Table 'nope' not found in schema`],
    ['POST', '/query/sql', { ...ORDER_IDS, columns: [{ table_id: 'o', column: 'status', aggregation: 'sum' }] }, 400,
      `Query validation failed: Aggregation 'sum' is not valid for column 'status' of type 'text'`],
    ['POST', '/query/execute-sql', { sql: 'SELECT 1/0' }, 400, 'Division by zero'],
    ['POST', '/query/execute-sql', { sql: 'SELECT id FROM orders WHERE' }, 400, expect.stringMatching(/line 1, column/)],
    ['POST', '/query/execute-sql', { sql: 'SELECT id + status FROM orders' }, 400, expect.stringMatching(/line 1, column 11/)],
    ['POST', '/query/execute-sql', { sql: 'SELECT secret FROM salaries' }, 400, expect.stringContaining(`Table 'salaries' not found`)],
    ['POST', '/query/execute-sql', { sql: 'SELECT id FROM orders WHERE status = :s' }, 400, expect.any(String)],
    ['POST', '/query/execute-sql', { sql: 1 }, 422, [expect.objectContaining({ loc: ['body', 'sql'] })]],
    ['POST', '/llm/chat', { message: 'x' }, 400, 'LLM agent is not enabled'],
    ['POST', '/query/nope', {}, 404, 'Not Found'],
  ])('%s %s %j: %i', async (method, path, body, status, detail) => {
    const answer = await send(method, path, body);
    expect([answer.status, answer.body.detail]).toEqual([status, detail]);
  }); // prettier-ignore

  it('refuses to execute what is no query, or not there', async () => {
    expect(await send('POST', widget(2))).toMatchObject({ status: 400, body: { detail: 'Widget has no query' } });
    expect((await send('POST', widget(0).replace(dashboard.widgets[0]!.id, dashboard.id))).status).toBe(404);
    expect((await send('POST', widget(0), { a: 1 })).status).toBe(422);
  });

  it('lets a viewer without the right run the SQL of widgets, and nothing else', async () => {
    const run = (sql: string) => send('POST', '/query/execute-sql', { sql }, 'bob');
    expect((await run('SELECT id FROM orders ORDER BY id')).status).toBe(200);
    expect((await run(' SELECT id FROM orders ORDER BY id\r\n')).status).toBe(200);
    expect(await run('SELECT id FROM orders')).toMatchObject({ status: 403, body: { detail: expect.any(String) } });
  });

  it('answers 504 when a query takes too long', async () => {
    const slow = 'SELECT count(*) FROM generate_series(1, 90000) a, generate_series(1, 90000) b';
    expect(await send('POST', '/query/execute-sql', { sql: slow })).toMatchObject({
      status: 504,
      body: { detail: 'Query exceeded timeout of 1.0 seconds' },
    });
  });

  it('gives the client a number to ask about, and the log the reason, when the server is at fault', async () => {
    await database.query('ALTER TABLE tenant_acme.orders RENAME TO moved');
    await database.query(`CREATE SEQUENCE tenant_acme.numbers;
      CREATE VIEW tenant_acme.orders AS SELECT id, status, total, customer_id, placed_at, tags FROM tenant_acme.moved
      WHERE set_config('a.b', 'c', true) = 'c' AND nextval('tenant_acme.numbers') > 0`);
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { status, body } = await send('POST', '/query/execute', ORDER_IDS);
    expect([status, body.detail]).toEqual([500, `Query failed (ref: ${body.request_id})`]);
    expect(logged.mock.calls.join()).toMatch(new RegExp(`${body.request_id}.*nextval`, 's'));
    logged.mockRestore();
    await database.query(
      'DROP VIEW tenant_acme.orders; DROP SEQUENCE tenant_acme.numbers; ALTER TABLE tenant_acme.moved RENAME TO orders',
    );
  });

  it('cancels the statement when the client goes away', async () => {
    const active = () =>
      database.query(
        `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%gone%' AND state = 'active' AND pid <> pg_backend_pid()`,
      );
    const controller = new AbortController();
    const { port } = app.getHttpServer().address();
    const sent = fetch(`http://127.0.0.1:${port}/api/query/execute-sql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: bearer('acme', 'ada') },
      body: JSON.stringify({
        sql: `SELECT count('gone') FROM generate_series(1, 90000) a, generate_series(1, 90000) b`,
      }),
      signal: controller.signal,
    }).catch((error: unknown) => error);
    await until('the statement runs', async () => (await active()).length > 0);
    controller.abort();
    await sent;
    const started = performance.now();
    await until('the statement is canceled', async () => (await active()).length === 0);
    expect(performance.now() - started).toBeLessThan(900);
  });
});

describe('a host without the option', () => {
  it('has none of the routes, and answers 501 as before', async () => {
    await using database = Object.assign(await TestDatabase.create(), {
      [Symbol.asyncDispose]: function (this: TestDatabase) {
        return this.close();
      },
    });
    await createQueryTables(database, 'tenant_acme');
    for (const sync of [true, false]) {
      const controllers = { path: 'api', guards: [TokenGuard] };
      const module = sync
        ? PrismiqModule.forRoot({ resolver, controllers })
        : PrismiqModule.forRootAsync({ controllers, useFactory: () => ({ resolver }) });
      const app = await boot({ imports: [ormModule(database), module] });
      const send = (method: string, path: string, body?: string) =>
        converse(app, {
          method,
          path: `/api${path}`,
          headers: { 'Content-Type': 'application/json', Authorization: bearer('acme', 'ada') },
          body,
        });
      expect(await send('GET', '/schema')).toMatchObject({ status: 404, body: NOT_FOUND });
      expect(await send('POST', '/query/execute', JSON.stringify(ORDER_IDS))).toMatchObject({
        status: 404,
        body: NOT_FOUND,
      });
      const dashboards = app.get(DashboardRepository);
      const made = await app
        .get(TenantContext)
        .runInTenant({ tenantId: 'acme', userId: 'ada' }, () =>
          dashboards.create({ name: `D ${sync}`, widgets: WIDGETS }),
        );
      const path = `/dashboards/${made.id}/widgets/${made.widgets[0]!.id}/execute`;
      expect((await send('POST', path)).status).toBe(501);
      await app.close();
    }
  });
});
