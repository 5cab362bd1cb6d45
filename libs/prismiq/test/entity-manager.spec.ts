import { Controller, Get, Injectable, Post, UseGuards, UseInterceptors, type INestApplication } from '@nestjs/common';
import { getMikroORMToken, InjectRepository, MikroOrmModule } from '@mikro-orm/nestjs';
import {
  defineEntity,
  EntityManager,
  EntityRepository,
  MikroORM,
  p,
  RequestContext,
  type InferEntity,
} from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  ensureTables,
  fromUser,
  PrismiqDashboard,
  PrismiqModule,
  TenantContext,
  TenantInterceptor,
  tenantsFromList,
} from '@prismiq/nestjs';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, TokenGuard } from './support/host.js';

/** A table that each tenant has in his own schema: the entity declares none. */
const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: { id: p.integer().primary(), number: p.string(), lines: () => p.oneToMany(Line).mappedBy('order') },
});

const Line = defineEntity({
  name: 'Line',
  tableName: 'order_lines',
  properties: { id: p.integer().primary(), text: p.string(), order: () => p.manyToOne(Order) },
});

/** A table that all tenants share. */
const Country = defineEntity({
  name: 'Country',
  tableName: 'countries',
  schema: 'public',
  properties: { code: p.string().primary(), name: p.string() },
});

@Injectable()
class OrderService {
  constructor(
    readonly em: EntityManager,
    @InjectRepository(Order) readonly orders: EntityRepository<{ id: number; number: string }>,
    readonly dashboards: DashboardRepository,
    readonly tenants: TenantContext,
  ) {}

  async numbers(): Promise<string[]> {
    return (await this.orders.findAll({ orderBy: { id: 'asc' } })).map(({ number }) => number);
  }
}

describe('a host with tables of its own in the tenants’ schemas', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let host: OrderService;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.query(
      `CREATE TABLE public.countries (code text PRIMARY KEY, name text NOT NULL);
       INSERT INTO public.countries VALUES ('PT', 'Portugal')`,
    );
    for (const tenant of ['acme', 'globex']) {
      await ensureTables(database.pool, { schema: `tenant_${tenant}`, createSchema: true });
      await database.query(
        `CREATE TABLE tenant_${tenant}.orders (id integer PRIMARY KEY, number text NOT NULL);
         CREATE TABLE tenant_${tenant}.order_lines (id integer PRIMARY KEY, order_id integer NOT NULL, text text NOT NULL);
         INSERT INTO tenant_${tenant}.order_lines VALUES (1, 1, 'line of ${tenant}')`,
      );
    }
  });
  beforeEach(async () => {
    for (const tenant of ['acme', 'globex']) {
      await database.query(
        `TRUNCATE tenant_${tenant}.orders;
         INSERT INTO tenant_${tenant}.orders VALUES (1, '${tenant}-1'), (2, '${tenant}-2');
         DELETE FROM tenant_${tenant}.prismiq_dashboards`,
      );
    }
  });
  afterAll(() => database.close());
  afterEach(() => app.close());

  const start = async (
    bindEntityManager: boolean | undefined,
    metadata: object = {},
    otherOrms: ReturnType<typeof ormModule>[] = [],
  ) => {
    app = await boot({
      imports: [
        ormModule(database, { entities: [Order, Line, Country] }),
        ...otherOrms,
        MikroOrmModule.forFeature([Order]),
        PrismiqModule.forRoot({
          resolver: fromUser({ tenantId: 'tenantId', userId: 'userId' }),
          isGlobal: true,
          directory: tenantsFromList(['acme', 'globex', { tenantId: 'acme-labs', schema: 'tenant_acme' }]),
          bindEntityManager,
        }),
      ],
      providers: [OrderService],
      ...metadata,
    });
    host = app.get(OrderService);
  };
  const inTenant = <T>(tenantId: string, work: () => Promise<T>) =>
    host.tenants.runInTenant({ tenantId, userId: 'ada' }, work);
  const stored = async (tenant: string) =>
    (await database.query<{ number: string }>(`SELECT number FROM tenant_${tenant}.orders ORDER BY id`)).map(
      ({ number }) => number,
    );

  it('keeps its EntityManager unchanged by default', async () => {
    await start(undefined);
    await inTenant('acme', async () => {
      await RequestContext.create(host.em, async () => {
        expect(host.em.schema).toBeUndefined();
        // Without a schema the name is unqualified, and public has no such table.
        await expect(host.numbers()).rejects.toThrow(/relation "orders" does not exist/);
      });
    });
  });

  describe('that binds its EntityManager', () => {
    it('works in the tenant’s schema, and shares entities that are declared shared', async () => {
      await start(true);
      const [acme, globex] = await Promise.all([
        inTenant('acme', () => host.numbers()),
        inTenant('globex', () => host.numbers()),
      ]);
      expect([acme, globex]).toEqual([
        ['acme-1', 'acme-2'],
        ['globex-1', 'globex-2'],
      ]);
      await inTenant('acme', async () => {
        expect(await host.em.findAll(Country)).toHaveLength(1);
        const order = await host.orders.findOneOrFail(1);
        order.number = 'changed';
        host.em.create(Order, { id: 3, number: 'new' });
        await host.em.flush();
        await host.dashboards.create({ name: 'Orders' });
        expect(await host.em.find(PrismiqDashboard, { tenantId: 'acme' })).toHaveLength(1);
      });
      expect([await stored('acme'), await stored('globex')]).toEqual([
        ['changed', 'acme-2', 'new'],
        ['globex-1', 'globex-2'],
      ]);
      expect(app.get(MikroORM).em.schema).toBeUndefined();
    });

    it('has an identity map for each context, so that two tenants may have rows with the same id', async () => {
      await start(true);
      await RequestContext.create(host.em, async () => {
        const outer = host.em.getContext();
        await inTenant('acme', async () => {
          const ours = await host.orders.findOneOrFail(1);
          const theirs = await inTenant('globex', () => host.orders.findOneOrFail(1));
          expect([ours.number, theirs.number]).toEqual(['acme-1', 'globex-1']);
          // The inner context has unwound: this is again the first one, with what it had loaded.
          expect(await host.orders.findOneOrFail(1)).toBe(ours);
        });
        expect(host.em.getContext()).toBe(outer);
        expect([...outer.getUnitOfWork().getIdentityMap().values()]).toEqual([]);
      });
    });

    it('separates cached results, even under the same name', async () => {
      await start(true);
      const cached = async (cache: number | [string, number]) =>
        (await host.orders.findAll({ cache, orderBy: { id: 'asc' } })).map(({ number }) => number);
      for (const cache of [60_000, ['orders', 60_000] as [string, number]]) {
        expect(await inTenant('acme', () => cached(cache))).toEqual(['acme-1', 'acme-2']);
        expect(await inTenant('globex', () => cached(cache))).toEqual(['globex-1', 'globex-2']);
      }
      await database.query('TRUNCATE tenant_acme.orders, tenant_globex.orders');
      // It has the schema of acme, and so the same tables, but is another tenant.
      expect(await inTenant('acme-labs', () => cached(['orders', 60_000]))).toEqual([]);
      await inTenant('acme', () => host.em.clearCache('orders'));
      expect(await inTenant('acme', () => cached(['orders', 60_000]))).toEqual([]);
      expect(await inTenant('globex', () => cached(['orders', 60_000]))).toEqual(['globex-1', 'globex-2']);
    });

    it('loads the relations of an entity from its own tenant, in any context', async () => {
      await start(true);
      const texts = async (order: InferEntity<typeof Order>) =>
        (await order.lines.load()).getItems().map(({ text }) => text);
      const order = await inTenant('acme', () => host.em.findOneOrFail(Order, 1));
      expect(await inTenant('globex', () => texts(order))).toEqual(['line of acme']);
      await host.em.fork().transactional(async () => {
        const [ours, theirs] = [
          await inTenant('acme', () => host.em.findOneOrFail(Order, 1)),
          await inTenant('globex', () => host.em.findOneOrFail(Order, 1)),
        ];
        expect(await inTenant('globex', () => texts(ours))).toEqual(['line of acme']);
        expect(await texts(theirs)).toEqual(['line of globex']);
      });
      await inTenant('acme', async () => {
        const before = await host.em.findOneOrFail(Order, 1);
        await host.em.transactional(async (em) => {
          await em.insert(Line, { id: 2, order: 1, text: 'added' });
          expect(await texts(before)).toEqual(['line of acme', 'added']);
          await em.nativeDelete(Line, { id: 2 });
        });
      });
    });

    it('stays bound in a request that begins inside, and in forks', async () => {
      await start(true);
      await inTenant('acme', async () => {
        await RequestContext.create(host.em, async () => {
          expect(host.em.schema).toBe('tenant_acme');
          expect(await host.numbers()).toEqual(['acme-1', 'acme-2']);
        });
        expect(await host.em.fork().findAll(Order)).toHaveLength(2);
      });
    });

    it('stays bound in a request of another ORM that begins inside', async () => {
      await start(true, {}, [ormModule(database, { contextName: 'analytics' })]);
      const other = app.get<MikroORM>(getMikroORMToken('analytics'));
      await inTenant('acme', () =>
        RequestContext.create(other.em, async () => {
          expect(await host.numbers()).toEqual(['acme-1', 'acme-2']);
          expect(other.em.schema).toBeUndefined();
        }),
      );
    });

    it('works in transactions that begin inside', async () => {
      await start(true);
      const failed = inTenant('acme', () =>
        host.em.transactional(async () => {
          host.em.create(Order, { id: 3, number: 'gone' });
          await host.em.flush();
          await host.dashboards.create({ name: 'Gone' });
          await host.em.transactional(async (em) => em.create(Order, { id: 4, number: 'gone' }));
          expect(await host.numbers()).toEqual(['acme-1', 'acme-2', 'gone', 'gone']);
          throw new Error('changed its mind');
        }),
      );
      await expect(failed).rejects.toThrow('changed its mind');
      await inTenant('acme', () =>
        host.em.transactional(async (em) => {
          em.create(Order, { id: 5, number: 'kept' });
        }),
      );
      expect(await stored('acme')).toEqual(['acme-1', 'acme-2', 'kept']);
      expect(await database.query('SELECT 1 FROM tenant_acme.prismiq_dashboards')).toEqual([]);
    });

    it.each([
      ['commits', false],
      ['rolls back', true],
    ])('works for several tenants in a transaction around them, which %s as a whole', async (_, fails) => {
      await start(true);
      const outcome = host.em.fork().transactional(async () => {
        await inTenant('acme', async () => {
          // Not flushed by the host: em.transactional() does that at its end, and so does the tenant's context.
          host.em.create(Order, { id: 3, number: 'pending' });
        });
        await inTenant('globex', async () => {
          (await host.orders.findOneOrFail(1)).number = 'changed';
          await host.dashboards.create({ name: 'Both' });
        });
        expect(await stored('acme')).toEqual(['acme-1', 'acme-2']);
        if (fails) {
          throw new Error('changed its mind');
        }
      });
      expect((await Promise.allSettled([outcome]))[0].status).toBe(fails ? 'rejected' : 'fulfilled');
      expect([await stored('acme'), await stored('globex')]).toEqual(
        fails
          ? [
              ['acme-1', 'acme-2'],
              ['globex-1', 'globex-2'],
            ]
          : [
              ['acme-1', 'acme-2', 'pending'],
              ['changed', 'globex-2'],
            ],
      );
    });

    it('is bound in its handlers, also where it has a transaction around them', async () => {
      /** A host's transaction around each handler, as an interceptor outside of the tenant's. */
      @Injectable()
      class TransactionInterceptor {
        constructor(readonly em: EntityManager) {}

        intercept(_context: unknown, next: { handle: () => Observable<unknown> }) {
          return defer(() => this.em.transactional(() => lastValueFrom(next.handle())));
        }
      }

      @Controller('orders')
      @UseGuards(TokenGuard)
      class OrdersController {
        constructor(readonly service: OrderService) {}

        @Get()
        @UseInterceptors(TenantInterceptor)
        list() {
          return this.service.numbers();
        }

        @Post()
        @UseInterceptors(TransactionInterceptor, TenantInterceptor)
        create() {
          this.service.em.create(Order, { id: 9, number: 'posted' });
          return { ok: true };
        }

        @Get('nobody')
        @UseInterceptors(TenantInterceptor)
        nobody() {
          return this.service.tenants.current() ?? { schema: this.service.em.schema ?? null };
        }
      }
      await start(true, { controllers: [OrdersController], providers: [OrderService, TransactionInterceptor] });
      const as = (method: 'get' | 'post', tenantId: string) =>
        request(app.getHttpServer())[method]('/orders').set('Authorization', bearer(tenantId, 'ada'));
      await as('post', 'acme').expect(201);
      const [acme, globex] = await Promise.all([as('get', 'acme').expect(200), as('get', 'globex').expect(200)]);
      expect([acme.body, globex.body]).toEqual([
        ['acme-1', 'acme-2', 'posted'],
        ['globex-1', 'globex-2'],
      ]);
      await request(app.getHttpServer()).get('/orders/nobody').expect(200, { schema: null });
    });
  });
});
