import type { INestApplication } from '@nestjs/common';
import fc from 'fast-check';
import { ensureTables, PrismiqModule } from '@prismiq/nestjs';
import request from 'supertest';
import { schemaNames } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';

const WIDGET = { type: 'metric', title: 'W', position: { x: 0, y: 0, w: 1, h: 1 } };
const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };

/** Both ways of keeping tenants: a schema for each, and one for all, where the tenant_id alone isolates. */
const MODES = [
  ['a schema for each tenant', undefined],
  ['one schema for all tenants', () => 'everybody'],
] as const;

describe.each(PLATFORMS)('over HTTP on %s', (platform) => {
  describe.each(MODES)('with %s', (_, schemaFor) => {
    let database: TestDatabase;
    let app: INestApplication;
    let theirs: { dashboard: string; widget: string; query: string };

    beforeAll(async () => {
      database = await TestDatabase.create();
      for (const schema of ['tenant_acme', 'tenant_globex', 'everybody']) {
        await ensureTables(database.pool, { schema, createSchema: true });
      }
      app = await boot(
        {
          imports: [
            ormModule(database),
            PrismiqModule.forRoot({ resolver, schemaFor, controllers: { guards: [TokenGuard] } }),
          ],
        },
        platform,
      );
      const asGus = (path: string, body: object) =>
        request(app.getHttpServer()).post(path).set('Authorization', bearer('globex', 'gus')).send(body).expect(201);
      const dashboard = await asGus('/prismiq/dashboards', { name: 'G', is_public: true, widgets: [WIDGET] });
      const query = await asGus('/prismiq/saved-queries', { name: 'G', query: QUERY, is_shared: true });
      theirs = { dashboard: dashboard.body.id, widget: dashboard.body.widgets[0].id, query: query.body.id };
    });
    afterAll(async () => {
      await app.close();
      await database.close();
    });

    /** All rows of all schemas. */
    const contents = async () => {
      const rows = await Promise.all(
        ['tenant_acme', 'tenant_globex', 'everybody'].flatMap((schema) =>
          ['prismiq_dashboards', 'prismiq_widgets', 'prismiq_saved_queries'].map((table) =>
            database.query(`SELECT '${schema}' AS schema, to_jsonb(t) AS row FROM ${schema}.${table} t ORDER BY id`),
          ),
        ),
      );
      return rows.flat();
    };

    const routes = () => {
      const { dashboard, widget, query } = theirs;
      return [
        ['get', `/dashboards/${dashboard}`],
        ['patch', `/dashboards/${dashboard}`, { name: 'mine' }],
        ['patch', `/dashboards/${dashboard}`, { widgets: [] }],
        ['put', `/dashboards/${dashboard}/layout`, [{ widget_id: widget, position: { x: 9, y: 9, w: 9, h: 9 } }]],
        ['delete', `/dashboards/${dashboard}`],
        ['post', `/dashboards/${dashboard}/widgets`, WIDGET],
        ['put', `/dashboards/${dashboard}/widgets/${widget}`, { title: 'mine' }],
        ['patch', `/dashboards/${dashboard}/widgets/${widget}`, { title: 'mine' }],
        ['delete', `/dashboards/${dashboard}/widgets/${widget}`],
        ['get', `/saved-queries/${query}`],
        ['patch', `/saved-queries/${query}`, { name: 'mine' }],
        ['delete', `/saved-queries/${query}`],
      ] as const;
    };

    it('a token of acme reaches nothing of globex, by any route, as user or as admin', async () => {
      const before = await contents();
      for (const authorization of [bearer('acme', 'gus'), bearer('acme', 'root', true), bearer('acme')]) {
        for (const [method, path, body] of routes()) {
          const answer = await request(app.getHttpServer())
            [method](`/prismiq${path}`)
            .set('Authorization', authorization)
            .send(body as object);
          expect([method, path, answer.status]).toEqual([method, path, 404]);
        }
        const lists = await Promise.all(
          ['dashboards', 'saved-queries'].map((list) =>
            request(app.getHttpServer()).get(`/prismiq/${list}`).set('Authorization', authorization).expect(200),
          ),
        );
        expect(lists.map(({ body }) => body)).toEqual([{ dashboards: [] }, { queries: [] }]);
      }
      expect(await contents()).toEqual(before);
    });

    it('cannot take over a widget of globex by its id', async () => {
      const before = (await contents()).length;
      const made = await request(app.getHttpServer())
        .post('/prismiq/dashboards')
        .set('Authorization', bearer('acme', 'ada'))
        .send({ name: 'A', widgets: [{ ...WIDGET, title: 'mine', id: theirs.widget }] })
        .expect(201);
      await request(app.getHttpServer())
        .patch(`/prismiq/dashboards/${made.body.id}`)
        .set('Authorization', bearer('acme', 'ada'))
        .send({ widgets: [{ ...WIDGET, title: 'still mine', id: theirs.widget }] })
        .expect(200);
      const [widget] = await database.query(
        `SELECT title FROM ${schemaFor?.() ?? 'tenant_globex'}.prismiq_widgets WHERE id = $1`,
        [theirs.widget],
      );
      expect(widget).toEqual({ title: 'W' });
      await request(app.getHttpServer())
        .delete(`/prismiq/dashboards/${made.body.id}`)
        .set('Authorization', bearer('acme', 'ada'))
        .expect(200);
      expect((await contents()).length).toBe(before);
    });

    it.each([
      ['X-Tenant-ID', 'globex'],
      ['X-Schema-Name', 'tenant_globex'],
      ['X-Schema-Name', 'tenant_acme, tenant_globex'],
    ])('is refused on every route when %s says %s', async (header, value) => {
      const before = await contents();
      for (const [method, path, body] of [
        ...routes(),
        ['get', '/dashboards'],
        ['post', '/dashboards', { name: 'x' }],
      ] as const) {
        const answer = await request(app.getHttpServer())
          [method](`/prismiq${path}`)
          .set('Authorization', bearer('acme', 'ada'))
          .set(header, value)
          .send(body as object);
        expect([method, path, answer.status]).toEqual([method, path, 403]);
      }
      expect(await contents()).toEqual(before);
    });

    it('answers a hostile tenant id, id, path or header with a 4xx, and creates nothing', async () => {
      const [before, schemas] = [await contents(), await schemaNames(database)];
      const wicked = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 100 }),
        fc.constantFrom(
          'globex"."dashboards',
          'acme"; DROP SCHEMA tenant_globex CASCADE; --',
          "acme' OR '1'='1",
          '../globex',
          'acme\n',
          'acme\u0000globex',
          '__proto__',
          'constructor',
          'аcme',
          'x'.repeat(2000),
          '%00',
          '%2e%2e%2fglobex',
          'public',
          'pg_catalog',
          'GLOBEX',
        ),
      );
      await fc.assert(
        fc.asyncProperty(wicked, fc.constantFrom('tenant', 'id', 'path', 'header'), async (text, place) => {
          if (['acme', 'globex'].includes(text)) {
            return;
          }
          const { dashboard } = theirs;
          const id = place === 'id' ? encodeURIComponent(text) || 'x' : dashboard;
          const path = place === 'path' ? `${encodeURIComponent(text)}/${dashboard}` : id;
          const authorization = place === 'tenant' ? bearer(text, 'gus', true) : bearer('acme', 'ada');
          const requests = [
            request(app.getHttpServer()).get(`/prismiq/dashboards/${path}`),
            request(app.getHttpServer()).delete(`/prismiq/dashboards/${path}`),
          ];
          // Where all share a schema, a tenant is no more than its id, and any text is one.
          if (place === 'header' || (place === 'tenant' && schemaFor === undefined)) {
            requests.push(request(app.getHttpServer()).post('/prismiq/dashboards').send({ name: 'planted' }));
          }
          for (const sent of requests) {
            sent.set('Authorization', authorization);
            if (place === 'header') {
              sent.set('X-Tenant-ID', encodeURIComponent(text) || ' ');
            }
            const { status, body } = await sent;
            expect([Math.floor(status / 100), text]).toEqual([4, text]);
            expect(JSON.stringify(body)).not.toMatch(/prismiq_|syntax error|SELECT /);
          }
        }),
        { numRuns: 300 },
      );
      expect(await contents()).toEqual(before);
      expect(await schemaNames(database)).toEqual(schemas);
    });
  });
});
