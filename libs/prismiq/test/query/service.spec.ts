import type { INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { Pool } from 'pg';
import {
  DashboardRepository,
  getPrismiqToken,
  InvalidOptionsError,
  InvalidQueryError,
  PrismiqModule,
  QueriesDisabledError,
  QueryFailedError,
  QueryFeed,
  QueryService,
  rowCondition,
  SqlModeForbiddenError,
  TenantContext,
  TenantMigrator,
  TenantRequiredError,
  type DashboardFilter,
  type PrismiqQueryOptions,
  type QueryEvent,
  type QueryResult,
  type WidgetConfig,
} from '@prismiq/nestjs';
import { startPgBouncer } from '../../../../test/support/pgbouncer.js';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { boot, ormModule, resolver } from '../support/host.js';
import { CLOCK, createQueryTables, ORDER_IDS, TABLES } from '../support/query-world.js';

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: 2 });
const ALL = [1, 2, 3, 4, 5, 6, 7, 8];
const POSITION = { x: 0, y: 0, w: 1, h: 1 };

describe('QueryService', () => {
  let database: TestDatabase;
  const apps: INestApplication[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    await createQueryTables(database, 'tenant_acme');
    await createQueryTables(database, 'tenant_globex');
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await database.query('DELETE FROM tenant_acme.prismiq_dashboards');
  });
  afterAll(async () => {
    await bouncer?.stop();
    await database.close();
  });

  const start = async (query: Partial<PrismiqQueryOptions> | undefined = {}, contextName?: string) => {
    const options = query && { tables: TABLES, clock: CLOCK, ...query };
    const app = await boot({
      imports: [
        ormModule(database, { pool: { max: 4 }, ...(contextName === undefined ? {} : { contextName }) }),
        PrismiqModule.forRoot({ resolver, query: options, contextName }),
      ],
    });
    apps.push(app);
    const of = <T>(type: abstract new (...args: never[]) => T): T => app.get(getPrismiqToken(type, contextName));
    return {
      app,
      queries: of(QueryService),
      feed: of(QueryFeed),
      dashboards: of(DashboardRepository),
      as: <T>(work: () => Promise<T>, identity: object = {}): Promise<T> =>
        of(TenantContext).runInTenant({ tenantId: 'acme', userId: 'ada', ...identity }, work),
    };
  };
  const ids = ({ rows }: QueryResult) => rows.map(([id]) => id);

  /** Query contract 9.5. */
  it.each<[string, Partial<DashboardFilter>, unknown, number[], number?]>([
    ['W1', { type: 'select', field: 'status' }, 'paid', [1, 2, 8]],
    ['W2', { type: 'select', field: 'status' }, '__all__', ALL],
    ['W2', { type: 'select', field: 'status' }, '', ALL],
    ['W2', { type: 'select', field: 'status' }, null, ALL],
    ['W3', { type: 'multi_select', field: 'status' }, ['open', 'refund'], [3, 4, 5]],
    ['W3', { type: 'multi_select', field: 'status' }, [], ALL],
    ['W4', { type: 'text', field: 'status' }, 'AI', [1, 2, 8]],
    ['W5', { type: 'number_range', field: 'total' }, { min: null, max: 0 }, [5, 7]],
    ['W6', { type: 'date_range', field: 'placed_at' }, 'last_7_days', [1, 2, 3]],
    ['W7', { type: 'date_range', field: 'placed_at' }, { preset: 'last_month' }, [4]],
    ['W8', { type: 'date_range', field: 'placed_at' }, { start: '2024-04-30', end: '2024-05-14' }, [2, 3, 4]],
    ['W9', { type: 'date_range', field: 'placed_at' }, { start: '2024-05-14', end: '' }, [1, 2]],
    ['W10', { type: 'select', field: 'country', table: 'customers' }, 'DE', ALL],
    ['W10', { type: 'select', field: 'nope' }, 'x', ALL, 1],
  ])('%s: a widget with the filter %j and the value %j', async (_, filter, value, expected, warnings = 0) => {
    const { queries, dashboards, as } = await start({ sqlMode: { mayRun: () => false } });
    const whole = { id: 'f', label: 'F', table: 'orders', ...filter } as DashboardFilter;
    const board = await as(() =>
      dashboards.create({
        name: 'D',
        filters: [whole],
        widgets: [
          { type: 'table', title: 'query', position: POSITION, query: ORDER_IDS },
          { type: 'table', title: 'sql', position: { ...POSITION, y: 1 }, config: { raw_sql: 'SELECT id FROM orders ORDER BY id' } },
        ],
      }),
    );
    for (const { id } of board.widgets) {
      const filterValues = [{ filter_id: 'f', value }];
      const result = await as(() => queries.runWidget(board.id.toUpperCase(), id.toUpperCase(), { filterValues }));
      expect([ids(result), result.warnings.length]).toEqual([expected, warnings]);
    }
  }); // prettier-ignore

  it.each([
    ['today', '2024-05-15', '2024-05-15'],
    ['yesterday', '2024-05-14', '2024-05-14'],
    ['last_7_days', '2024-05-09', '2024-05-15'],
    ['last_30_days', '2024-04-16', '2024-05-15'],
    ['this_week', '2024-05-13', '2024-05-15'],
    ['last_week', '2024-05-06', '2024-05-12'],
    ['this_month', '2024-05-01', '2024-05-15'],
    ['last_month', '2024-04-01', '2024-04-30'],
    ['this_quarter', '2024-04-01', '2024-05-15'],
    ['last_quarter', '2024-01-01', '2024-03-31'],
    ['this_year', '2024-01-01', '2024-05-15'],
    ['last_year', '2023-01-01', '2023-12-31'],
    ['all_time', undefined, '2024-05-15'],
  ])('the preset %s is from %s to %s', async (preset, first, last) => {
    const { queries, dashboards, as } = await start();
    const filters: DashboardFilter[] = [
      { id: 'f', type: 'date_range', label: 'F', field: 'placed_at', default_value: preset },
    ];
    const { id, widgets } = await as(() =>
      dashboards.create({
        name: 'D',
        filters,
        widgets: [{ type: 'table', title: 'T', position: POSITION, query: ORDER_IDS }],
      }),
    );
    const days = `SELECT id FROM tenant_acme.orders WHERE (placed_at AT TIME ZONE 'UTC')::date <= $1 AND ($2::date IS NULL OR (placed_at AT TIME ZONE 'UTC')::date >= $2) ORDER BY id`;
    const expected = await database.query<{ id: number }>(days, [last, first ?? null]);
    expect(ids(await as(() => queries.runWidget(id, widgets[0]!.id)))).toEqual(expected.map((row) => row.id));
  });

  it('refuses values that do not fit the type of their filter', async () => {
    const { queries, dashboards, as } = await start();
    const { id, widgets } = await as(() =>
      dashboards.create({
        name: 'D',
        filters: (['date_range', 'number_range', 'text'] as const).map((type) => ({
          id: type,
          type,
          label: 'F',
          field: 'placed_at',
        })),
        widgets: [{ type: 'table', title: 'T', position: POSITION, query: ORDER_IDS }],
      }),
    );
    for (const [filter_id, value] of [
      ['date_range', 'toString'],
      ['date_range', [1]],
      ['number_range', 'x'],
      ['text', { a: 1 }],
    ] as const) {
      await expect(
        as(() => queries.runWidget(id, widgets[0]!.id, { filterValues: [{ filter_id, value }] })),
      ).rejects.toThrow(InvalidQueryError);
    }
  });

  it('takes the fiscal year of a widget from its config', async () => {
    const { queries, dashboards, as } = await start({ fiscalYearStartMonth: 1 });
    const window = {
      ...ORDER_IDS,
      filters: [
        {
          table_id: 'o',
          column: 'placed_at',
          operator: 'date_window' as const,
          value: { period: 'quarterly', value: -1 },
        },
      ],
    };
    const widget = (config: WidgetConfig) => ({
      type: 'table' as const,
      title: 'T',
      position: POSITION,
      query: window,
      config,
    });
    const { id, widgets } = await as(() =>
      dashboards.create({
        name: 'D',
        widgets: [widget({}), { ...widget({ fiscalYearStartMonth: 2 }), position: { ...POSITION, y: 1 } }],
      }),
    );
    expect(ids(await as(() => queries.runWidget(id, widgets[0]!.id)))).toEqual([5, 6]);
    expect(ids(await as(() => queries.runWidget(id, widgets[1]!.id)))).toEqual([4, 5, 6]);
  });

  it('tells of each query: who, what, how long, with what outcome', async () => {
    const { queries, feed, as } = await start({ sqlMode: { mayRun: () => true } });
    const events: QueryEvent[] = [];
    const end = feed.subscribe((event) => events.push(event));
    feed.subscribe(() => Promise.reject(new Error('a listener that fails')));
    await as(() => queries.run(ORDER_IDS));
    await as(() => queries.sample('orders', 'status'));
    await as(() => queries.runSql('SELECT 1 / 0')).catch(() => undefined);
    await as(() => queries.run(ORDER_IDS, { signal: AbortSignal.abort(new Error('gone')) })).catch(() => undefined);
    expect(events).toEqual([
      { tenantId: 'acme', schema: 'tenant_acme', userId: 'ada', kind: 'query', widgetId: undefined, outcome: 'succeeded', error: undefined,
        durationMs: expect.any(Number), rows: 8, isFromCache: false },
      expect.objectContaining({ kind: 'sample', outcome: 'succeeded', rows: 4 }),
      expect.objectContaining({ kind: 'sql', outcome: 'failed', error: expect.objectContaining({ sqlState: '22012' }) }),
      expect.objectContaining({ kind: 'query', outcome: 'canceled' }),
    ]); // prettier-ignore
    end();
    await as(() => queries.run(ORDER_IDS));
    expect(events).toHaveLength(4);
  });

  it('has no tenant by itself, and does nothing without the option', async () => {
    const { queries } = await start();
    await expect(queries.run(ORDER_IDS)).rejects.toThrow(TenantRequiredError);
    const off = await start(undefined as never);
    expect(off.queries.isEnabled).toBe(true);
    const app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] });
    apps.push(app);
    expect(app.get(QueryService).isEnabled).toBe(false);
    for (const call of [
      (): Promise<unknown> => app.get(QueryService).schema(),
      (): Promise<unknown> => app.get(QueryService).run(ORDER_IDS),
    ]) {
      await expect(app.get(TenantContext).runInTenant('acme', call)).rejects.toThrow(QueriesDisabledError);
    }
  });

  it('works under the name of a context', async () => {
    const { queries, as } = await start({}, 'analytics');
    expect(ids(await as(() => queries.run(ORDER_IDS)))).toEqual(ALL);
  });

  it('runs outside of the transaction of the host', async () => {
    const { app, queries, as } = await start();
    await app
      .get(MikroORM)
      .em.fork()
      .transactional(async (em) => {
        await em.execute(`INSERT INTO tenant_acme.orders (id, placed_at) VALUES (99, now())`);
        expect(ids(await as(() => queries.run(ORDER_IDS)))).toEqual(ALL);
        await em.execute('DELETE FROM tenant_acme.orders WHERE id = 99');
      });
  });

  it('reads the tables again when they have changed, and fails closed', async () => {
    const { queries, as } = await start();
    const query = { ...ORDER_IDS, columns: [...ORDER_IDS.columns, { table_id: 'o', column: 'status' }] };
    await as(() => queries.run(query));
    await database.query('ALTER TABLE tenant_acme.orders RENAME COLUMN status TO state');
    await expect(as(() => queries.run(query))).rejects.toThrow(`Column 'status' not found in table 'orders'`);
    const renamed = { ...ORDER_IDS, columns: [{ table_id: 'o', column: 'state' }] };
    expect((await as(() => queries.run(renamed))).rowCount).toBe(8);
    await database.query('ALTER TABLE tenant_acme.orders RENAME COLUMN state TO status');
    await as(() => queries.invalidate());
    expect((await as(() => queries.run(query))).rowCount).toBe(8);
    await database.query('ALTER TABLE tenant_acme.orders RENAME TO moved');
    await expect(as(() => queries.run(query))).rejects.toThrow(`Table 'orders' not found in schema`);
    await database.query('ALTER TABLE tenant_acme.moved RENAME TO orders');
  });

  it('knows new columns when the migrator has run', async () => {
    const { app, queries, as } = await start();
    const columns = async () => {
      const { tables } = await as(() => queries.schema());
      return tables.find(({ name }) => name === 'customers')!.columns.map(({ name }) => name);
    };
    const before = await columns();
    await database.query('ALTER TABLE tenant_acme.customers ADD COLUMN vip boolean');
    expect(await columns()).toEqual(before);
    await suiteGuard.off(() => app.get(TenantMigrator).up({ concurrency: 1 }));
    expect(await columns()).toEqual([...before, 'vip']);
    await database.query('ALTER TABLE tenant_acme.customers DROP COLUMN vip');
  });

  it('does not blame the caller for a row filter that fails', async () => {
    const { queries, as } = await start({ rowFilter: () => rowCondition`nope = 1` });
    await expect(as(() => queries.run(ORDER_IDS))).rejects.toThrow(QueryFailedError);
    const none = await start({ rowFilter: () => undefined as never });
    await expect(none.as(() => none.queries.run(ORDER_IDS))).rejects.toThrow(InvalidOptionsError);
  });

  it('turns SQL mode off for single tenants, and for all by default', async () => {
    const { queries, as } = await start({
      sqlMode: { mayRun: () => true, isEnabled: ({ tenantId }) => tenantId !== 'acme' },
    });
    await expect(as(() => queries.runSql('SELECT 1'))).rejects.toThrow(SqlModeForbiddenError);
    expect(await as(() => queries.validateSql('SELECT 1'))).toEqual({
      valid: false,
      errors: ['SQL mode is disabled'],
      tables: [],
    });
    expect((await as(() => queries.runSql('SELECT 1'), { tenantId: 'globex' })).rows).toEqual([[1]]);
    const off = await start();
    await expect(off.as(() => off.queries.runSql('SELECT 1'))).rejects.toThrow('SQL mode is disabled');
  });

  describe('on a database of its own', () => {
    it('a role that may only read what it was granted, by a URL', async () => {
      await database.query(
        `DROP ROLE IF EXISTS prismiq_query_test; CREATE ROLE prismiq_query_test LOGIN PASSWORD 'x' NOINHERIT;
         GRANT USAGE ON SCHEMA tenant_acme TO prismiq_query_test; GRANT SELECT ON tenant_acme.orders TO prismiq_query_test`,
      );
      const url = Object.assign(new URL(database.url), { username: 'prismiq_query_test', password: 'x' });
      const { app, queries, as } = await start({ database: url.href });
      expect(ids(await as(() => queries.run(ORDER_IDS)))).toEqual(ALL);
      const customers = { tables: [{ id: 'c', name: 'customers' }], columns: [{ table_id: 'c', column: 'id' }] };
      await expect(as(() => queries.run(customers))).rejects.toMatchObject({ code: 'QUERY_FAILED', sqlState: '42501' });
      await app.close();
      apps.splice(apps.indexOf(app), 1);
      await database.waitFor(
        async () =>
          (await database.query(`SELECT 1 FROM pg_stat_activity WHERE usename = 'prismiq_query_test'`)).length === 0,
      );
      await database.query('DROP OWNED BY prismiq_query_test; DROP ROLE prismiq_query_test');
    });

    it('a pool of the host, which stays open', async () => {
      const pool = new Pool({ connectionString: bouncer?.through(database.url) ?? database.url, max: 2 });
      const { app, queries, as } = await start({ database: pool });
      expect(ids(await as(() => queries.run(ORDER_IDS)))).toEqual(ALL);
      await app.close();
      apps.splice(apps.indexOf(app), 1);
      expect((await suiteGuard.off(() => pool.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }]);
      await pool.end();
    });

    it('a MikroORM instance of the host', async () => {
      const orm = await database.orm({ contextName: 'replica' });
      const { queries, as } = await start({ database: orm });
      expect(ids(await as(() => queries.run(ORDER_IDS)))).toEqual(ALL);
    });
  });

  it.each([
    { tables: [] },
    { tables: { orders: { hide: true } } },
    { database: 'mysql://x' },
    { database: {} },
    { limits: { timeoutMs: 0 } },
    { limits: { rows: 1 } },
    { cache: {} },
    { cache: { store: { get: 1 } } },
    { sqlMode: {} },
    { timeZone: 'Mars/Olympus' },
    { other: 1 },
  ])('refuses the options %j', (query) => {
    expect(() => PrismiqModule.forRoot({ query: { tables: TABLES, ...query } as never })).toThrow(InvalidOptionsError);
  });

  it('says what is missing where its controllers are named without it', () => {
    expect(() => PrismiqModule.forRoot({ resolver, controllers: { include: ['queries'] } })).toThrow(
      /`query` is missing/,
    );
  });
});
