import { Logger, type INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { jest } from '@jest/globals';
import request from 'supertest';
import { deploy } from '../../apps/demo/src/deploy.js';
import { start } from '../../apps/demo/src/main.js';
import { describeCatalog, schemaNames } from '../support/catalog.js';
import { TestDatabase } from '../support/test-database.js';

describe('the demo host', () => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
    app = await start({ databaseUrl: database.url, port: 0 });
    app.useLogger(false);
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const http = () => request(app.getHttpServer());
  const logIn = async (tenant: string, user: string): Promise<string> =>
    `Bearer ${(await http().post('/login').send({ tenant, user }).expect(200)).body.access_token}`;
  const listDashboards = async (tenant: string, user: string) =>
    (
      await http()
        .get('/api/prismiq/dashboards')
        .set('Authorization', await logIn(tenant, user))
        .expect(200)
    ).body.dashboards;

  it.each([
    ['acme', 'ada', 'bob'],
    ['globex', 'gus', 'gina'],
  ])(
    'is seeded: %s has orders and two dashboards, owned by %s, which all of the tenant see',
    async (tenant, owner, other) => {
      const dashboards = await listDashboards(tenant, owner);
      expect(dashboards).toHaveLength(2);
      for (const { owner_id, widgets } of dashboards) {
        expect(owner_id).toBe(owner);
        expect(widgets.length).toBeGreaterThanOrEqual(4);
        expect(widgets.length).toBeLessThanOrEqual(8);
      }
      expect(await listDashboards(tenant, other)).toEqual(dashboards);
      expect(await listDashboards(tenant, 'root')).toEqual(dashboards);
      const [count] = await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM tenant_${tenant}.orders`);
      expect(count!.n).toBeGreaterThanOrEqual(200);
    },
  );

  it.each([
    ['acme', 'bob'],
    ['globex', 'gina'],
    ['acme', 'root'],
  ])('shows the widgets of %s with rows, for %s too', async (tenant, user) => {
    const authorization = await logIn(tenant, user);
    for (const { id, widgets } of await listDashboards(tenant, user)) {
      for (const widget of widgets.filter(({ type }: { type: string }) => type !== 'text')) {
        const { status, body } = await http()
          .post(`/api/prismiq/dashboards/${id}/widgets/${widget.id}/execute`)
          .set('Authorization', authorization);
        const [x, y] = [widget.config.x_axis, widget.config.y_axis?.[0]].filter(Boolean);
        expect([widget.title, status, body.detail]).toEqual([widget.title, 200, undefined]);
        expect(body.columns).toEqual(expect.arrayContaining([x, y].filter(Boolean)));
        expect([widget.title, body.row_count > 0 || widget.config.raw_sql !== undefined]).toEqual([widget.title, true]);
      }
    }
  });

  it('lets users query the tables of their tenant that it exposes, and no others', async () => {
    const authorization = await logIn('acme', 'ada');
    const get = async (path: string) =>
      (await http().get(`/api/prismiq/${path}`).set('Authorization', authorization)).body;
    expect(await get('tables')).toEqual(['customers', 'orders']);
    expect((await get('tables/orders')).columns.map(({ name }: { name: string }) => name)).not.toContain('batch');
    const run = async (sql: string, user: string) =>
      http()
        .post('/api/prismiq/query/execute-sql')
        .set('Authorization', await logIn('acme', user))
        .send({ sql });
    expect((await run('SELECT count(*) FROM orders', 'ada')).status).toBe(403);
    expect((await run('SELECT count(*) FROM orders', 'root')).body.rows[0][0]).toBeGreaterThan(4000);
    for (const sql of [
      'SELECT * FROM prismiq_dashboards',
      'SELECT * FROM tenant_globex.orders',
      'SELECT * FROM public.users',
    ]) {
      expect((await run(sql, 'root')).status).toBe(400);
    }
  });

  it('makes only root an admin', async () => {
    const [dashboard] = await listDashboards('acme', 'ada');
    const rename = async (user: string) =>
      http()
        .patch(`/api/prismiq/dashboards/${dashboard.id}`)
        .set('Authorization', await logIn('acme', user))
        .send({ description: `by ${user}` });
    expect((await rename('bob')).status).toBe(403);
    expect((await rename('root')).status).toBe(200);
    expect(await database.query('SELECT DISTINCT name FROM users WHERE is_admin')).toEqual([{ name: 'root' }]);
  });

  it('keeps the tenants apart, whatever the headers say', async () => {
    const [theirs] = await listDashboards('globex', 'gus');
    const ada = await logIn('acme', 'ada');
    await http().get(`/api/prismiq/dashboards/${theirs.id}`).set('Authorization', ada).expect(404);
    for (const [header, value] of [
      ['X-Tenant-ID', 'globex'],
      ['X-Schema-Name', 'tenant_globex'],
    ] as const) {
      await http().get('/api/prismiq/dashboards').set('Authorization', ada).set(header, value).expect(403);
    }
    await http().get('/api/prismiq/dashboards').expect(401);
  });

  it('provisions a tenant on sign-up, in one transaction', async () => {
    await http().post('/signup').send({ tenant: 'initech', user: 'ivy' }).expect(201);
    expect(await listDashboards('initech', 'ivy')).toHaveLength(1);
    await http().post('/signup').send({ tenant: 'initech', user: 'ian' }).expect(409);
    await http().post('/login').send({ tenant: 'initech', user: 'ian' }).expect(401);
  });

  it('leaves nothing of a sign-up that fails half way because the schema exists', async () => {
    const before = await schemaNames(database);
    await database.query(`ALTER TABLE users ADD CONSTRAINT no_dan CHECK (name <> 'dan')`);
    await http().post('/signup').send({ tenant: 'doomed', user: 'dan' }).expect(500);
    await database.query('ALTER TABLE users DROP CONSTRAINT no_dan');
    expect(await schemaNames(database)).toEqual(before);
    expect(await database.query(`SELECT 1 FROM tenants WHERE id = 'doomed'`)).toEqual([]);
    await http().post('/signup').send({ tenant: 'doomed', user: 'dan' }).expect(201);
  });

  it.each(['', 'Acme"; DROP SCHEMA public', '../x', 'a b', 'ä', 'x'.repeat(300), 'public\n', '__proto__.x'])(
    'refuses the tenant id %j, and creates nothing',
    async (tenant) => {
      const before = await schemaNames(database);
      await http().post('/signup').send({ tenant, user: 'eve' }).expect(400);
      expect(await schemaNames(database)).toEqual(before);
    },
  );

  it('writes its own rows and a dashboard in one transaction of its own', async () => {
    const send = async (orders: object[]) =>
      http()
        .post('/orders/import')
        .set('Authorization', await logIn('acme', 'bob'))
        .send({ batch: 'spring', orders });
    const order = { number: 'X-1', customer: 'C', region: 'EMEA', status: 'paid', amount: 10, currency: 'EUR' };
    const first = await send([{ ...order, ordered_at: new Date().toISOString() }]);
    expect([first.status, first.body]).toEqual([201, expect.objectContaining({ orders: 1 })]);
    const again = await send([{ ...order, number: 'X-2', ordered_at: new Date().toISOString() }]);
    expect(again.status).toBe(409);
    expect(await database.query(`SELECT number FROM tenant_acme.orders WHERE number LIKE 'X-%'`)).toEqual([
      { number: 'X-1' },
    ]);
  });

  it('offers its API documentation', async () => {
    await http().get('/docs').expect(200);
    const { body } = await http().get('/docs-json').expect(200);
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/signup', '/api/prismiq/dashboards/{id}']));
    expect(body.paths['/api/prismiq/dashboards'].post).toMatchObject({ operationId: 'createDashboard' });
  });

  it('lets the React client call from a page of another origin, with all its headers', async () => {
    const origin = 'https://page.example.com';
    const asked = 'content-type,x-tenant-id,x-user-id,x-schema-name,authorization,if-match,if-none-match';
    const preflight = await http()
      .options('/api/prismiq/dashboards/x')
      .set({ Origin: origin, 'Access-Control-Request-Method': 'PATCH', 'Access-Control-Request-Headers': asked });
    expect(preflight.status).toBe(204);
    const allowed = preflight.headers['access-control-allow-headers']!.toLowerCase().split(',');
    expect(allowed.toSorted()).toEqual(asked.split(',').toSorted());
    expect(preflight.headers['access-control-allow-methods']).toBe('GET,POST,PUT,PATCH,DELETE');
    const [dashboard] = await listDashboards('acme', 'ada');
    const read = await http()
      .get(`/api/prismiq/dashboards/${dashboard.id}`)
      .set({ Origin: origin, Authorization: await logIn('acme', 'ada') });
    expect(read.headers).toMatchObject({ 'access-control-expose-headers': 'ETag', etag: `"${dashboard.version}"` });
  });

  it('takes a dashboard of many widgets', async () => {
    const widget = {
      type: 'text',
      title: 'W',
      position: { x: 0, y: 0, w: 1, h: 1 },
      config: { content: 'x'.repeat(4000) },
    };
    const widgets = Array.from({ length: 100 }, () => widget);
    const authorization = await logIn('acme', 'bob');
    const { body } = await http()
      .post('/api/prismiq/dashboards')
      .set('Authorization', authorization)
      .send({ name: 'Large', widgets })
      .expect(201);
    await http().delete(`/api/prismiq/dashboards/${body.id}`).set('Authorization', authorization).expect(200);
  });

  it('has its own tables in public, and none of Prismiq', async () => {
    const tables = (await describeCatalog(database, 'public')).join('\n');
    expect(tables).toContain('users.');
    expect(tables).not.toContain('prismiq');
    expect(app.get(MikroORM).em.schema).toBeUndefined();
  });

  it('finds everything as it was when it starts again', async () => {
    const before = await listDashboards('acme', 'ada');
    await app.close();
    app = await start({ databaseUrl: database.url, port: 0 });
    expect(await listDashboards('acme', 'ada')).toEqual(before);
  });

  it('is deployed: tenants that are behind are migrated, the canary first', async () => {
    const lines = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    for (const tenant of ['acme', 'globex']) {
      await database.query(
        `ALTER TABLE tenant_${tenant}.prismiq_dashboards DROP COLUMN version CASCADE; ALTER TABLE tenant_${tenant}.prismiq_saved_queries DROP COLUMN version;
         DELETE FROM tenant_${tenant}.prismiq_migrations WHERE name LIKE '%0002%'`,
      );
    }
    expect(await deploy(database.url)).toMatchObject({ counts: { migrated: 2, failed: 0 }, stopped: undefined });
    const texts = lines.mock.calls.map(([line]) => String(line));
    lines.mockRestore();
    expect(texts[0]).toBe('canary: 1 tenants');
    expect(texts[1]).toMatch(/^ {2}acme: migrated in \d+ ms$/);
    expect(texts.at(-1)).toMatch(/2 migrated.*, in \d+ ms\.$/);
    expect(await listDashboards('globex', 'gus')).toHaveLength(2);
  });

  it('starts, and serves the others, when a tenant cannot be migrated', async () => {
    await database.query('ALTER TABLE tenant_acme.prismiq_widgets RENAME COLUMN title TO headline');
    await app.close();
    const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    app = await start({ databaseUrl: database.url, port: 0 });
    expect(errors.mock.calls.join()).toMatch(/Tenant "acme" cannot use Prismiq: .*prismiq_widgets\.title/s);
    errors.mockRestore();
    app.useLogger(false);
    expect(await listDashboards('globex', 'gus')).toHaveLength(2);
  });
});
