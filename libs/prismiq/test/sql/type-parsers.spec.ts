import { createRequire } from 'node:module';
import type { INestApplication } from '@nestjs/common';
import {
  DashboardRepository,
  ensureTables,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  TenantMigrator,
  tenantsFromQuery,
  verifyTables,
  WidgetRepository,
} from '@prismiq/nestjs';
import pg from 'pg';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { boot, ormModule, resolver } from '../support/host.js';

const QUERY = { tables: [{ id: 't', name: 'orders' }], columns: [{ table_id: 't', column: 'amount' }] };
const WIDGET = { type: 'metric' as const, title: 'Total', position: { x: 0, y: 0, w: 3, h: 2 }, query: QUERY };

/** MikroORM may have a copy of its own. */
const requireAsMikroOrm = createRequire(createRequire(import.meta.url).resolve('@mikro-orm/postgresql/package.json'));
const copies = [...new Set([pg, requireAsMikroOrm('pg') as typeof pg])].map(({ types }) => types);

/** All types that Prismiq's statements return, and some more. */
const OIDS = [16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 700, 701, 1003, 1009, 1015, 1043, 1114, 1184, 1700, 2950, 3802];

describe('type parsers of the host', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let restore: () => void;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.query(
      `CREATE TABLE public.customers (id text, region text); INSERT INTO public.customers VALUES ('acme', 'eu')`,
    );
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    const before = copies.map((types) => OIDS.map((oid) => types.getTypeParser(oid)));
    const setAll = (toParser: (copy: number, index: number) => (text: string) => unknown) =>
      copies.forEach((types, copy) => OIDS.forEach((oid, index) => types.setTypeParser(oid, toParser(copy, index))));
    setAll(() => () => 'hostile');
    restore = () => setAll((copy, index) => before[copy]![index]!);
    app = await boot({
      imports: [
        ormModule(database, { driverOptions: { types: { getTypeParser: () => () => 'hostile' } } }),
        PrismiqModule.forRoot({
          resolver,
          directory: tenantsFromQuery('SELECT id AS "tenantId", region AS ring FROM public.customers'),
        }),
      ],
    });
  });
  afterAll(async () => {
    restore();
    await app.close();
    await database.close();
  });

  const ada = <T>(work: () => Promise<T>): Promise<T> =>
    app.get(TenantContext).runInTenant({ tenantId: 'acme', userId: 'ada' }, work);

  it('do not change what the repositories read', async () => {
    await ada(async () => {
      const dashboards = app.get(DashboardRepository);
      const allowedViewers = ['bob', 'a, "b" \\ {c}', 'NULL', '', ' '];
      const { id, widgets } = await dashboards.create({ name: 'Sales', widgets: [WIDGET], allowedViewers });
      const record = { name: 'Sales', ownerId: 'ada', isPublic: false, allowedViewers, version: 1 };
      const read = await dashboards.get(id);
      expect(read).toMatchObject({ ...record, layout: { columns: 12 }, filters: [], widgets: [WIDGET] });
      expect(Math.abs(read.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
      expect(read.widgets[0]!.createdAt).toEqual(read.createdAt);
      expect(await dashboards.list()).toMatchObject([record]);
      expect(await dashboards.listSummaries({ total: true })).toMatchObject({
        total: 1,
        items: [{ ...record, widgetCount: 1 }],
      });
      expect(await dashboards.update(id, { name: 'More' }, { version: 1 })).toMatchObject({ version: 2 });
      expect(await app.get(WidgetRepository).update(id, widgets[0]!.id, { title: 'Sum' })).toMatchObject({
        title: 'Sum',
      });
      expect(await app.get(SavedQueryRepository).create({ name: 'q', query: QUERY })).toMatchObject({
        query: QUERY,
        isShared: false,
        version: 1,
      });
    });
  });

  it('do not change what is read from the catalog and the tenants', async () => {
    const migrator = new TenantMigrator({ database: database.pool });
    expect(await verifyTables(database.pool, { schema: 'tenant_acme' })).toEqual([]);
    expect(await ensureTables(database.pool, { schema: 'tenant_acme' })).toMatchObject({ created: false });
    expect(await migrator.tenants()).toMatchObject([{ tenantId: 'acme', schema: 'tenant_acme' }]);
    expect((await migrator.up()).counts).toMatchObject({ unchanged: 1, failed: 0 });
    expect(await migrator.verify()).toMatchObject({ total: 1, findings: [] });
  });
});
