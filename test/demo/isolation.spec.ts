import type { INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { checkIsolation, SqlGuard } from '@prismiq/nestjs/testing';
import { start } from '../../apps/demo/src/main.js';
import { TestDatabase } from '../support/test-database.js';

/** As a host would use the kit on itself. */
describe('the demo, tried by its own tenants', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let guard: SqlGuard;

  beforeAll(async () => {
    database = await TestDatabase.create();
    app = await start({ databaseUrl: database.url, port: 0 });
    app.useLogger(false);
    guard = await SqlGuard.of(app, { tables: ['orders'] });
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const tenant = async (tenantId: string, user: string) => {
    const post = async (path: string, body: object, headers: object = {}) =>
      (
        await fetch(`${await app.getUrl()}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        })
      ).json() as Promise<{ access_token: string; id: string }>;
    const { access_token } = await post('/login', { tenant: tenantId, user });
    const headers = { authorization: `Bearer ${access_token}` };
    const { id } = await post(
      '/api/prismiq/dashboards',
      { name: `The plans of ${tenantId}`, is_public: true },
      headers,
    );
    const query = {
      name: `The numbers of ${tenantId}`,
      query: { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] },
    };
    const { id: saved } = await post('/api/prismiq/saved-queries', query, headers);
    return { tenantId, schema: `tenant_${tenantId}`, headers, dashboard: id, query: saved };
  };

  it('shows and changes nothing of another tenant, by any route', async () => {
    const leaks = await checkIsolation({
      app,
      database: app.get(MikroORM),
      tenants: await Promise.all([tenant('acme', 'ada'), tenant('globex', 'gus')]),
      requests: ({ dashboard, query }) => [
        { path: '/orders' },
        { path: '/orders/summary' },
        { path: '/api/prismiq/dashboards' },
        { path: `/api/prismiq/dashboards/${dashboard}` },
        { method: 'PATCH', path: `/api/prismiq/dashboards/${dashboard}`, body: { description: 'A new description' } },
        { method: 'PUT', path: `/api/prismiq/dashboards/${dashboard}/layout`, body: [] },
        { method: 'POST', path: '/api/prismiq/dashboards', body: { name: 'A new dashboard' } },
        { path: '/api/prismiq/saved-queries' },
        { path: `/api/prismiq/saved-queries/${query}` },
        { method: 'DELETE', path: `/api/prismiq/saved-queries/${query}` },
        { method: 'DELETE', path: `/api/prismiq/dashboards/${dashboard}` },
      ],
    });
    expect(leaks).toEqual([]);
    expect(guard.violations).toEqual([]);
  });
});
