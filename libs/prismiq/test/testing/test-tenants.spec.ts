import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  CurrentTenant,
  DashboardRepository,
  InvalidTenantIdError,
  PrismiqModule,
  TenantContext,
  TenantInterceptor,
  TenantResolver,
  verifyTables,
  type Tenant,
} from '@prismiq/nestjs';
import { FixedTenantResolver, TestTenants } from '@prismiq/nestjs/testing';
import request from 'supertest';
import { schemaNames } from '../../../../test/support/catalog.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { ormModule, resolver } from '../support/host.js';

describe('the testing kit', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  it('creates tenants with tables of their own, and drops them', async () => {
    const before = await schemaNames(database);
    {
      await using tenants = await TestTenants.create(database.pool);
      await using others = await TestTenants.create(await database.orm(), { schemaFor: (id) => `own_${id}`, count: 3 });
      const all = [...tenants, ...others];
      expect(new Set(all.map(({ tenantId }) => tenantId)).size).toBe(5);
      for (const { schema, tenantId } of all) {
        expect(schema).toMatch(new RegExp(`^(tenant|own)_${tenantId}$`));
        expect(await verifyTables(database.pool, { schema })).toEqual([]);
      }
      expect(await schemaNames(database)).toHaveLength(before.length + 5);
    }
    expect(await schemaNames(database)).toEqual(before);
  });

  it('drops more schemas than one transaction could hold locks for, whatever is in them', async () => {
    const tenants = await TestTenants.create(database.pool, { count: 60 });
    for (const { schema } of tenants) {
      await database.query(
        `CREATE TABLE ${schema}.orders (id int PRIMARY KEY); CREATE VIEW ${schema}.v AS TABLE ${schema}.orders`,
      );
    }
    await tenants.drop();
    expect((await schemaNames(database)).filter((name) => name.includes('test_'))).toEqual([]);
  });

  it('keeps a schema that existed, and leaves nothing behind when it fails', async () => {
    const all = { schemaFor: () => 'everybody' };
    const first = await TestTenants.create(database.pool, all);
    const second = await TestTenants.create(database.pool, all);
    await second.drop();
    expect(await verifyTables(database.pool, { schema: 'everybody' })).toEqual([]);
    await first.drop();
    expect(await schemaNames(database)).not.toContain('everybody');

    const before = await schemaNames(database);
    await expect(TestTenants.create(database.pool, { schemaFor: () => 'public' })).rejects.toThrow(
      InvalidTenantIdError,
    );
    await database.query(
      'CREATE TABLE public.prismiq_widgets (id int); CREATE SCHEMA spoilt_2; ALTER TABLE public.prismiq_widgets SET SCHEMA spoilt_2',
    );
    let turn = 0;
    const schemaFor = () => `spoilt_${(turn += 1)}`;
    await expect(TestTenants.create(database.pool, { count: 3, schemaFor })).rejects.toThrow(/prismiq_widgets/);
    expect(await schemaNames(database)).toEqual([...before, 'spoilt_2'].toSorted());
  });

  it('lets a test name the caller, in place of the resolver of the application', async () => {
    @Controller('me')
    @UseInterceptors(TenantInterceptor)
    class MeController {
      @Get()
      me(@CurrentTenant() { tenantId, userId }: Tenant) {
        return { tenantId, userId };
      }
    }

    await using tenants = await TestTenants.create(database.pool);
    const [one, other] = tenants;
    const asking = new FixedTenantResolver({ ...one!, userId: 'ada' });
    const module = await Test.createTestingModule({
      imports: [ormModule(database), PrismiqModule.forRoot({ resolver })],
      controllers: [MeController],
    })
      .overrideProvider(TenantResolver)
      .useValue(asking)
      .compile();
    const app = module.createNestApplication({ logger: false });
    await app.init();
    const get = () => request(app.getHttpServer()).get('/me');
    await get().expect(200, { tenantId: one!.tenantId, userId: 'ada' });
    asking.identity = { ...other! };
    await get().expect(200, { tenantId: other!.tenantId });
    asking.identity = undefined;
    await get().expect(400);
    await app.get(TenantContext).runInTenant(one!.tenantId, () => app.get(DashboardRepository).list());
    await app.close();
  });
});
