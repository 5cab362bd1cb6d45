import { RequestMethod, type INestApplication, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import {
  DashboardRepository,
  ensureTables,
  PrismiqModule,
  SavedQueryRepository,
  TenantRequiredError,
  WidgetRepository,
} from '@prismiq/nestjs';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';

const ID = '00000000-0000-4000-8000-000000000000';
const POSITION = { x: 0, y: 0, w: 1, h: 1 };
const QUERY = { tables: [{ id: 't', name: 'orders' }], columns: [{ table_id: 't', column: 'amount' }] };

/** What every route takes that takes an object. */
const BODY = {
  ...{ name: 'N', type: 'metric', title: 'T', position: POSITION, query: QUERY, owner_id: 'ada', widgets: [] },
  ...{ sql: 'SELECT 1', interval: 'day', date_column: 'd' },
};

const EXECUTE = '/prismiq/dashboards/:dashboardId/widgets/:id/execute';

const HOSTS = PLATFORMS.flatMap((platform) => [
  [platform, 'without queries', undefined] as const,
  [platform, 'with queries', { tables: { orders: {} }, sqlMode: { mayRun: () => true } }] as const,
]);

describe.each(HOSTS)('without a tenant, on %s %s', (platform, _, query) => {
  /** Routes that do not reach for any tenant's data. */
  const expected: Record<string, number> = query === undefined ? { [`POST ${EXECUTE}`]: 501 } : {};
  let database: TestDatabase;
  let app: INestApplication;
  const statements: string[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot(
      {
        imports: [
          ormModule(database, { onQuery: (sql) => (statements.push(sql), sql) }),
          PrismiqModule.forRoot({ resolver, controllers: { guards: [TokenGuard] }, query }),
        ],
      },
      platform,
    );
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  /** All routes that Nest knows of, so that a new one is not forgotten. */
  const routes = (): { method: string; path: string }[] =>
    [...app.get(ModulesContainer).values()]
      .flatMap(({ controllers }) => [...controllers.values()].map(({ metatype }) => metatype as Type))
      .flatMap((controller) =>
        new MetadataScanner().getAllMethodNames(controller.prototype as object).flatMap((name) => {
          const handler = (controller.prototype as Record<string, object>)[name]!;
          const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
          const parts = [controller, handler].map((target) => Reflect.getMetadata(PATH_METADATA, target) as string);
          const path = `/${parts
            .flatMap((part) => part.split('/'))
            .filter(Boolean)
            .join('/')}`;
          return method === undefined ? [] : [{ method: RequestMethod[method], path }];
        }),
      );

  it('every method of every repository fails, and sends nothing', async () => {
    for (const provider of [DashboardRepository, WidgetRepository, SavedQueryRepository]) {
      const repository = app.get<Record<string, (...args: unknown[]) => Promise<unknown>>>(provider as never);
      const methods = Object.getOwnPropertyNames(provider.prototype).filter((name) => name !== 'constructor');
      expect(methods.length).toBeGreaterThanOrEqual(5);
      for (const method of methods) {
        await expect(repository[method]!(ID, {}, {})).rejects.toThrow(TenantRequiredError);
      }
    }
    expect(statements).toEqual([]);
  });

  it('every route of every controller is refused, and sends nothing', async () => {
    expect(routes().length).toBeGreaterThanOrEqual(query === undefined ? 20 : 37);
    for (const { method, path } of routes()) {
      const body = path.endsWith('/layout') ? [{ widget_id: ID, position: POSITION }] : path === EXECUTE ? [] : BODY;
      const send = request(app.getHttpServer())[method.toLowerCase() as 'get'];
      const sent = send(path.replaceAll(/:\w+/g, ID));
      const answer = await (['POST', 'PUT', 'PATCH'].includes(method) ? sent.send(body) : sent);
      const { [`${method} ${path}`]: status = 400 } = expected;
      expect([method, path, answer.status]).toEqual([method, path, status]);
      expect(answer.body).toMatchObject(status === 400 ? { code: 'TENANT_REQUIRED' } : {});
    }
    expect(statements).toEqual([]);
  });
});
