import { MikroORM } from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  ensureTables,
  NameTakenError,
  PrismiqModule,
  TenantContext,
  verifyTables,
} from '@prismiq/nestjs';
import { Client, Pool } from 'pg';
import { startPgBouncer } from '../../../test/support/pgbouncer.js';
import { suiteGuard } from '../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule } from './support/host.js';

const TENANTS = Array.from({ length: 8 }, (_, i) => `t${i}`);

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: 4 });

/** PgBouncer in transaction mode: four connections to the server, shared by everybody. */
(bouncer === undefined ? describe.skip : describe)('through PgBouncer', () => {
  let database: TestDatabase;
  let url: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    url = bouncer!.through(database.url);
    for (const tenant of TENANTS) {
      await ensureTables(database.pool, { schema: `tenant_${tenant}`, createSchema: true });
    }
  });
  afterAll(async () => {
    await bouncer!.stop();
    await database.close();
  });

  const connected = async () => {
    const client = new Client({ connectionString: url });
    await client.connect();
    return client;
  };

  it('a search_path that one client has set is that of another, who reads a foreign tenant', async () => {
    const [ada, gus] = await Promise.all([connected(), connected()]);
    await database.query(`INSERT INTO tenant_t0.prismiq_dashboards (tenant_id, name) VALUES ('t0', 'secret of t0')`);
    await database.query(`INSERT INTO tenant_t1.prismiq_dashboards (tenant_id, name) VALUES ('t1', 'secret of t1')`);

    const rows = await suiteGuard.off(async () => {
      await ada.query('SET search_path TO tenant_t0');
      await gus.query('SET search_path TO tenant_t1');
      return (await ada.query('SELECT name FROM prismiq_dashboards')).rows;
    });
    expect(rows).toEqual([{ name: 'secret of t1' }]);

    await ada.query('RESET search_path');
    await Promise.all([ada.end(), gus.end()]);
    await database.query(`DELETE FROM tenant_t0.prismiq_dashboards; DELETE FROM tenant_t1.prismiq_dashboards`);
  });

  it('creates and verifies tables, by a pool, a client and an ORM, and leaves no search_path behind', async () => {
    const pool = new Pool({ connectionString: url, max: 8 });
    const client = await connected();
    const orm = await database.orm({ clientUrl: url });
    const schemas = Array.from({ length: 24 }, (_, i) => `made_${i}`);
    await Promise.all(
      [pool, client, orm].flatMap((target, which) =>
        schemas
          .filter((_, i) => i % 3 === which || i < 3)
          .map((schema) => ensureTables(target, { schema, createSchema: true })),
      ),
    );
    for (const schema of schemas) {
      expect(await verifyTables(pool, { schema })).toEqual([]);
    }
    const paths = await Promise.all(Array.from({ length: 8 }, () => pool.query('SHOW search_path')));
    expect(new Set(paths.map(({ rows }) => rows[0].search_path))).toEqual(new Set(['"$user", public']));
    await Promise.all([pool.end(), client.end()]);
  });

  it('keeps tenants apart who share its connections, in and out of transactions of the host', async () => {
    const app = await boot({ imports: [ormModule(database, { clientUrl: url }), PrismiqModule.forRoot({})] });
    const [tenants, dashboards, { em }] = [app.get(TenantContext), app.get(DashboardRepository), app.get(MikroORM)];
    const work = (tenantId: string, turn: number) =>
      tenants.runInTenant({ tenantId, userId: 'u' }, async () => {
        const name = `${tenantId} ${turn}`;
        const { id } = await dashboards.create({ name });
        await em.fork().transactional(async () => {
          await dashboards.update(id, { description: tenantId });
          await expect(dashboards.create({ name })).rejects.toThrow(NameTakenError);
          await dashboards.create({ name: `${name}, copied` });
        });
        const seen = await dashboards.list();
        expect(seen.filter((dashboard) => !dashboard.name.startsWith(tenantId))).toEqual([]);
      });
    await Promise.all(TENANTS.flatMap((tenant) => Array.from({ length: 10 }, (_, turn) => work(tenant, turn))));
    for (const tenant of TENANTS) {
      expect(
        await database.query(
          `SELECT count(*)::int AS all, count(*) FILTER (WHERE tenant_id = $1 AND name LIKE $1 || ' %')::int AS own
           FROM tenant_${tenant}.prismiq_dashboards`,
          [tenant],
        ),
      ).toEqual([{ all: 20, own: 20 }]);
    }
    await app.close();
  });
});
