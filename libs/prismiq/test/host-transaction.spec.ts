import { Injectable, type INestApplication } from '@nestjs/common';
import { defineEntity, EntityManager, MikroORM, p, RequestContext } from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  ensureTables,
  NameTakenError,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  WidgetRepository,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

/** A host's entity that declares no schema, as most do. */
const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customers',
  properties: { id: p.integer().primary(), name: p.string() },
});

/** A host's service, the way hosts write them. */
@Injectable()
class CustomerService {
  constructor(
    readonly em: EntityManager,
    readonly dashboards: DashboardRepository,
    readonly widgets: WidgetRepository,
    readonly queries: SavedQueryRepository,
    readonly tenants: TenantContext,
  ) {}

  /** Everything that a request does runs in a RequestContext, which @mikro-orm/nestjs opens. */
  request<T>(work: () => Promise<T>): Promise<T> {
    return RequestContext.create(this.em, () => this.tenants.runInTenant({ tenantId: 'acme', userId: 'ada' }, work));
  }
}

const QUERY = { tables: [{ id: 't', name: 'orders' }], columns: [{ table_id: 't', column: 'amount' }] };
const WIDGET = { type: 'metric' as const, title: 'Total', position: { x: 0, y: 0, w: 3, h: 2 } };

describe('a host that uses the repositories', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let host: CustomerService;

  beforeAll(async () => {
    database = await TestDatabase.create();
    // The tenant's schema has a table with the name of the host's as well: a redirected EntityManager would find it.
    await database.query(
      `CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
       CREATE SCHEMA tenant_acme; CREATE TABLE tenant_acme.customers (id integer PRIMARY KEY, name text NOT NULL);
       INSERT INTO tenant_acme.customers VALUES (1, 'not mine')`,
    );
    await ensureTables(database.pool, { schema: 'tenant_acme' });
    app = await boot({
      imports: [ormModule(database, { entities: [Customer] }), PrismiqModule.forRoot({ resolver, isGlobal: true })],
      providers: [CustomerService],
    });
    host = app.get(CustomerService);
  });
  afterEach(() =>
    database.query(
      'TRUNCATE customers; DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_acme.prismiq_saved_queries',
    ),
  );
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const names = async (table: string) =>
    (await database.query<{ name: string }>(`SELECT name FROM ${table} ORDER BY name`)).map(({ name }) => name);
  const dashboardNames = () => names('tenant_acme.prismiq_dashboards');

  it('keeps its EntityManager: an entity without a schema stays where it was, with and without a tenant', async () => {
    await host.request(async () => {
      host.em.create(Customer, { id: 1, name: 'Ann' });
      await host.em.flush();
      await host.dashboards.create({ name: 'Sales' });
      expect(await host.em.fork().find(Customer, {})).toMatchObject([{ name: 'Ann' }]);
      expect(host.em.schema).toBeUndefined();
    });
    expect(app.get(MikroORM).em.schema).toBeUndefined();
    expect(await names('public.customers')).toEqual(['Ann']);
    expect(await names('tenant_acme.customers')).toEqual(['not mine']);
  });

  it('stays a singleton', () => {
    // `get` refuses what is request-scoped.
    expect(app.get(CustomerService)).toBe(host);
  });

  it('gets its pending entities neither flushed nor lost, and nothing into its identity map', async () => {
    await host.request(async () => {
      const pending = host.em.create(Customer, { id: 2, name: 'Pending' });
      const { id } = await host.dashboards.create({ name: 'Sales', widgets: [WIDGET] });
      await host.dashboards.update(id, { name: 'Sales 2' });
      const widget = await host.widgets.create(id, WIDGET);
      await host.widgets.update(id, widget.id, { title: 'Sum' });
      await host.queries.create({ name: 'q', query: QUERY });
      await host.dashboards.list();
      await host.dashboards.delete(id);
      expect(await names('public.customers')).toEqual([]);
      expect(host.em.getUnitOfWork().getPersistStack().has(pending)).toBe(true);
      expect([...host.em.getUnitOfWork().getIdentityMap().values()]).toEqual([pending]);
      await host.em.flush();
    });
    expect(await names('public.customers')).toEqual(['Pending']);
  });

  describe('inside em.transactional()', () => {
    const rollBack = (work: () => Promise<unknown>) =>
      expect(
        host.request(() =>
          host.em.transactional(async () => {
            await work();
            throw new Error('changed its mind');
          }),
        ),
      ).rejects.toThrow('changed its mind');

    it('has the writes in its transaction: a rollback leaves nothing', async () => {
      await rollBack(async () => {
        host.em.create(Customer, { id: 3, name: 'Gone' });
        await host.em.flush();
        const { id } = await host.dashboards.create({ name: 'Gone', widgets: [WIDGET] });
        await host.dashboards.update(id, { description: 'x', widgets: [WIDGET, WIDGET] });
        await host.widgets.create(id, WIDGET);
        await host.queries.create({ name: 'Gone', query: QUERY });
        expect(await host.dashboards.list()).toHaveLength(1);
        expect(await dashboardNames()).toEqual([]); // another connection sees nothing of it
      });
      expect([await dashboardNames(), await names('public.customers')]).toEqual([[], []]);
      expect(await names('tenant_acme.prismiq_saved_queries')).toEqual([]);
    });

    it('has every write of every repository in its transaction', async () => {
      const { dashboard, query } = await host.request(async () => ({
        dashboard: await host.dashboards.create({ name: 'Kept', widgets: [WIDGET] }),
        query: await host.queries.create({ name: 'Kept', query: QUERY }),
      }));
      const [widget] = dashboard.widgets;
      const position = { x: 5, y: 5, w: 5, h: 5 };
      const writes: Record<string, () => Promise<unknown>> = {
        'dashboards.create': () => host.dashboards.create({ name: 'New', widgets: [WIDGET] }),
        'dashboards.update': () => host.dashboards.update(dashboard.id, { name: 'Changed', widgets: [] }),
        'dashboards.updateLayout': () =>
          host.dashboards.updateLayout(dashboard.id, [{ widgetId: widget!.id, position }]),
        'dashboards.delete': () => host.dashboards.delete(dashboard.id),
        'dashboards.duplicate': () => host.dashboards.duplicate(dashboard.id),
        'dashboards.import': () => host.dashboards.import({ version: '1.0', name: 'New', widgets: [WIDGET] }),
        'dashboards.transferOwnership': () => host.dashboards.transferOwnership(dashboard.id, 'bob'),
        'dashboards.transferAllOwnership': () => host.dashboards.transferAllOwnership('ada', 'bob'),
        'dashboards.removeViewer': () => host.dashboards.removeViewer('ada'),
        'widgets.create': () => host.widgets.create(dashboard.id, WIDGET),
        'widgets.update': () => host.widgets.update(dashboard.id, widget!.id, { title: 'Changed' }),
        'widgets.delete': () => host.widgets.delete(dashboard.id, widget!.id),
        'widgets.duplicate': () => host.widgets.duplicate(dashboard.id, widget!.id),
        'queries.create': () => host.queries.create({ name: 'New', query: QUERY }),
        'queries.update': () => host.queries.update(query.id, { name: 'Changed' }),
        'queries.delete': () => host.queries.delete(query.id),
      };
      // A new method must have its line here, or be one that reads.
      const methods = Object.entries({
        dashboards: DashboardRepository,
        widgets: WidgetRepository,
        queries: SavedQueryRepository,
      })
        .flatMap(([name, { prototype }]) => Object.getOwnPropertyNames(prototype).map((method) => `${name}.${method}`))
        .filter((method) => !/\.(constructor|get|list|listPage|listSummaries|export|hasSql)$/.test(method));
      expect(Object.keys(writes).sort()).toEqual(methods.sort());

      const all = () => host.request(async () => [await host.dashboards.list(), await host.queries.list()]);
      const before = await all();
      for (const write of Object.values(writes)) {
        await rollBack(write);
        expect(await all()).toEqual(before);
      }
    });

    it('commits both', async () => {
      await host.request(() =>
        host.em.transactional(async (em) => {
          em.create(Customer, { id: 4, name: 'Bea' });
          await host.dashboards.create({ name: 'Sales' });
        }),
      );
      expect([await dashboardNames(), await names('public.customers')]).toEqual([['Sales'], ['Bea']]);
    });

    it('can catch an error of a repository and go on', async () => {
      await host.request(async () => {
        await host.dashboards.create({ name: 'Sales' });
        await host.em.transactional(async (em) => {
          await expect(host.dashboards.create({ name: 'Sales' })).rejects.toThrow(NameTakenError);
          await expect(host.dashboards.create({ name: 'Sales', widgets: [WIDGET] })).rejects.toThrow(NameTakenError);
          const other = await host.dashboards.create({ name: 'Other' });
          await expect(host.dashboards.update(other.id, { name: 'Sales' })).rejects.toThrow(NameTakenError);
          await host.queries.create({ name: 'q', query: QUERY });
          await expect(host.queries.create({ name: 'q', query: QUERY })).rejects.toThrow(NameTakenError);
          em.create(Customer, { id: 5, name: 'Cleo' });
        });
      });
      expect([await dashboardNames(), await names('public.customers')]).toEqual([['Other', 'Sales'], ['Cleo']]);
    });

    it('can write many at once, some of which fail', async () => {
      await host.request(() =>
        host.em.transactional(async () => {
          const results = await Promise.allSettled(
            Array.from({ length: 20 }, (_, i) => host.dashboards.create({ name: `D${i % 15}`, widgets: [WIDGET] })),
          );
          expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(15);
        }),
      );
      expect(await dashboardNames()).toHaveLength(15);
    });

    it('loses every write with a transaction that fails while they run, and disturbs no other', async () => {
      // One connection, so that a statement that is sent too late reaches another transaction.
      const single = await boot({
        imports: [
          ormModule(database, { entities: [Customer], pool: { max: 1 } }),
          PrismiqModule.forRoot({ resolver, isGlobal: true }),
        ],
        providers: [CustomerService],
      });
      const lone = single.get(CustomerService);
      for (let delay = 0; delay < 30; delay += 1) {
        const failing = lone.request(() =>
          lone.em.transactional(() =>
            Promise.all([
              lone.dashboards.create({ name: `Gone ${delay}`, widgets: [WIDGET] }),
              lone.dashboards.create({ name: `Gone too ${delay}` }),
              (async () => {
                for (let turn = 0; turn < delay * 3; turn += 1) {
                  await null;
                }
                throw new Error('the host fails');
              })(),
            ]),
          ),
        );
        const innocent = lone.request(() =>
          lone.em.transactional(async (em) => {
            await em.execute('SELECT 1');
            return em.execute('SELECT 2 AS two');
          }),
        );
        const results = await Promise.allSettled([failing, innocent]);
        expect(results).toMatchObject([
          { status: 'rejected', reason: { message: 'the host fails' } },
          { status: 'fulfilled', value: [{ two: 2 }] },
        ]);
      }
      await single.close();
      expect(await dashboardNames()).toEqual([]);
    });

    it('does not lose the slot of a connection that breaks', async () => {
      const orm = await database.orm({ pool: { max: 1 }, driverOptions: { application_name: 'prismiq_doomed' } });
      await database.query(`SELECT pg_advisory_lock(1)`);
      for (let round = 0; round < 3; round += 1) {
        const doomed = ensureTables(orm, { schema: `doomed_${round}`, createSchema: true }).catch(() => undefined);
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prismiq_doomed'`,
        );
        await doomed;
      }
      expect(await orm.em.fork().execute('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await database.query(`SELECT pg_advisory_unlock_all()`);
    });

    it('nested: only the inner one is rolled back', async () => {
      await host.request(() =>
        host.em.transactional(async () => {
          await host.dashboards.create({ name: 'Outer' });
          const inner = host.em.transactional(async () => {
            await host.dashboards.create({ name: 'Inner' });
            throw new Error('inner');
          });
          await expect(inner).rejects.toThrow('inner');
        }),
      );
      expect(await dashboardNames()).toEqual(['Outer']);
    });
  });

  it('can begin and roll back by hand within a request', async () => {
    await host.request(async () => {
      await host.em.begin();
      await host.dashboards.create({ name: 'By hand' });
      await host.em.rollback();
    });
    expect(await dashboardNames()).toEqual([]);
  });

  it('on a fork of its own, with its own transaction', async () => {
    const fork = app.get(MikroORM).em.fork();
    const failure = fork.transactional(async () => {
      await host.tenants.runInTenant({ tenantId: 'acme', userId: 'ada' }, () =>
        host.dashboards.create({ name: 'Job' }),
      );
      throw new Error('no');
    });
    await expect(failure).rejects.toThrow('no');
    expect(await dashboardNames()).toEqual([]);
  });
});
