import { randomUUID } from 'node:crypto';
import {
  Catch,
  Controller,
  Get,
  HttpException,
  Injectable,
  Logger,
  Module,
  UseFilters,
  UseGuards,
  VersioningType,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type MiddlewareConsumer,
  type NestInterceptor,
  type NestModule,
} from '@nestjs/common';
import { jest } from '@jest/globals';
import {
  ensureTables,
  dropContentTypeOfEmptyBody,
  PrismiqController,
  PrismiqDashboardsController,
  PrismiqError,
  PrismiqModule,
  TenantContext,
  type PrismiqControllerName,
} from '@prismiq/nestjs';
import { map } from 'rxjs';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';

const ada = bearer('acme', 'ada');
const bob = bearer('acme', 'bob');
const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const WIDGET = { type: 'metric', title: 'Total', position: { x: 0, y: 0, w: 3, h: 2 } };
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe.each(PLATFORMS)('the REST controllers on %s', (platform) => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot(
      {
        imports: [
          ormModule(database),
          PrismiqModule.forRoot({ resolver, controllers: { path: 'api/prismiq', guards: [TokenGuard] } }),
        ],
      },
      platform,
    );
  });
  afterEach(() =>
    database.query('DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_acme.prismiq_saved_queries'),
  );
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
  const send = (method: Method, path: string, body?: unknown, authorization = ada) => {
    const sent = request(app.getHttpServer())
      [method](`/api/prismiq${path}`)
      .set('Authorization', authorization)
      .set('Content-Type', 'application/json'); // the client sends it always, with and without a body
    return body === undefined ? sent : sent.send(body as object);
  };

  it('create, read, change and delete a dashboard, with the names of the contract', async () => {
    const made = await send('post', '/dashboards', {
      id: 'ignored',
      owner_id: 'mallory',
      tenant_id: 'globex',
      name: 'Sales',
      is_public: true,
      allowed_viewers: ['bob'],
      layout: { columns: 12, row_height: 60, margin: [16, 16] },
      widgets: [{ ...WIDGET, id: randomUUID(), hyperlink: 'stripped' }],
    }).expect(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'Sales',
      description: null,
      layout: { columns: 12, row_height: 60, margin: [16, 16], compact_type: 'vertical' },
      filters: [],
      owner_id: 'ada',
      is_public: true,
      allowed_viewers: ['bob'],
      version: 1,
      created_at: expect.stringMatching(ISO),
      updated_at: expect.stringMatching(ISO),
      widgets: [
        {
          id: expect.any(String),
          ...WIDGET,
          query: null,
          config: {},
          created_at: expect.stringMatching(ISO),
          updated_at: expect.stringMatching(ISO),
        },
      ],
    });
    const { id } = made.body;
    expect((await send('get', `/dashboards/${id}`).expect(200)).body).toEqual(made.body);
    expect((await send('get', '/dashboards').expect(200)).body).toEqual({ dashboards: [made.body] });

    // The editor sends back the whole object that it loaded.
    const saved = await send('patch', `/dashboards/${id}`, { ...made.body, description: 'x', surprise: 1 }).expect(200);
    expect(saved.body).toMatchObject({ description: 'x', version: 2, widgets: [{ id: made.body.widgets[0].id }] });
    const cleared = await send('patch', `/dashboards/${id}`, { description: null }).expect(200);
    expect(cleared.body).toMatchObject({ description: null, name: 'Sales', version: 3 });

    const moved = await send('put', `/dashboards/${id}/layout`, [
      { widget_id: made.body.widgets[0].id, position: { x: 1, y: 2, w: 3, h: 4 } },
    ]).expect(200);
    expect(moved.body.widgets[0].position).toEqual({ x: 1, y: 2, w: 3, h: 4 });

    const gone = await send('delete', `/dashboards/${id}`).expect(200);
    expect(gone.body).toEqual({ success: true, message: expect.any(String) });
    expect((await send('get', `/dashboards/${id}`).expect(404)).body).toEqual({
      detail: 'Dashboard not found',
      code: 'NOT_FOUND',
    });
  });

  it('create, read, change and delete a widget, by PUT and by PATCH', async () => {
    const { body: dashboard } = await send('post', '/dashboards', { name: 'S' });
    const path = `/dashboards/${dashboard.id}/widgets`;
    const { body: widget } = await send('post', path, { ...WIDGET, query: QUERY }).expect(201);
    expect(widget).toMatchObject({ ...WIDGET, query: QUERY, config: {} });
    for (const method of ['put', 'patch'] as const) {
      const { body } = await send(method, `${path}/${widget.id}`, { title: method }).expect(200);
      expect(body).toMatchObject({ title: method, query: QUERY });
    }
    expect((await send('put', `${path}/${widget.id}`, { query: null }).expect(200)).body.query).toBeNull();
    expect((await send('delete', `${path}/${widget.id}`).expect(200)).body).toMatchObject({ success: true });
    expect((await send('delete', `${path}/${widget.id}`).expect(404)).body).toMatchObject({
      detail: 'Widget not found',
    });
  });

  it('create, read, change and delete a saved query', async () => {
    const { body: made } = await send('post', '/saved-queries', { name: 'q', query: QUERY }).expect(201);
    expect(made).toMatchObject({ name: 'q', tenant_id: 'acme', owner_id: 'ada', is_shared: false, query: QUERY });
    expect((await send('get', '/saved-queries').expect(200)).body).toEqual({ queries: [made] });
    expect((await send('get', `/saved-queries/${made.id}`).expect(200)).body).toEqual(made);
    expect((await send('patch', `/saved-queries/${made.id}`, { is_shared: true }).expect(200)).body.is_shared).toBe(
      true,
    );
    expect((await send('patch', `/saved-queries/${made.id}`, { name: 'x' }, bob).expect(403)).body).toMatchObject({
      detail: 'Permission denied',
    });
    await send('post', '/saved-queries', { name: 'q', query: QUERY }).expect(409);
    await send('delete', `/saved-queries/${made.id}`).expect(200);
  });

  it('answer a name in use with 409, a refused change with 403, an invisible record with 404', async () => {
    const { body: dashboard } = await send('post', '/dashboards', { name: 'S' }).expect(201);
    expect((await send('post', '/dashboards', { name: 'S' }, bob).expect(409)).body).toEqual({
      detail: 'A dashboard named "S" already exists. Choose another name.',
      code: 'NAME_TAKEN',
    });
    await send('get', `/dashboards/${dashboard.id}`, undefined, bob).expect(404);
    await send('patch', `/dashboards/${dashboard.id}`, { is_public: true }).expect(200);
    await send('get', `/dashboards/${dashboard.id}`, undefined, bob).expect(200);
    await send('delete', `/dashboards/${dashboard.id}`, undefined, bob).expect(403);
    await send('patch', `/dashboards/${dashboard.id}`, {}, bearer('acme', 'root', true)).expect(200);
  });

  it.each([
    ['no object', [1], [['body']]],
    ['nothing', {}, [['body', 'name']]],
    [
      'faults deep inside',
      { name: 'S', is_public: 'yes', widgets: [{ ...WIDGET, position: { x: -1 } }] },
      [
        ['body', 'is_public'],
        ['body', 'widgets', 0, 'position', 'x'],
        ['body', 'widgets', 0, 'position', 'y'],
        ['body', 'widgets', 0, 'position', 'w'],
        ['body', 'widgets', 0, 'position', 'h'],
      ],
    ],
  ])('answer a body of %s with 422 and the place of each fault', async (_, body, places) => {
    const answer = await send('post', '/dashboards', body).expect(422);
    expect(answer.body.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual(
      places.map((place) => expect.arrayContaining(place)),
    );
    for (const fault of answer.body.detail) {
      expect(fault).toMatchObject({ type: expect.any(String), msg: expect.any(String) });
    }
  });

  it.each(['{"name": ', '"text"', ''])('answer the body %j with a 4xx', async (raw) => {
    const answer = await request(app.getHttpServer())
      .post('/api/prismiq/dashboards')
      .set('Authorization', ada)
      .set('Content-Type', 'application/json')
      .send(raw);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it('name a fault in the layout as the client wrote it', async () => {
    const { body: dashboard } = await send('post', '/dashboards', { name: 'S' });
    const place = async (body: unknown) =>
      (await send('put', `/dashboards/${dashboard.id}/layout`, body).expect(422)).body.detail[0].loc;
    const position = { x: 0, y: 0, w: 1, h: 1 };
    expect(await place([{ widget_id: 'x', position }])).toEqual(['body', 0, 'widget_id']);
    expect(await place([{ widget_id: randomUUID(), position }, 7])).toEqual(['body', 1]);
    expect(await place({})).toEqual(['body']);
  });

  it('show enough of the input at fault, no secret, and not a thousand faults', async () => {
    const secret = { raw_sql: 7, hyperlink: { url: `javascript:${'x'.repeat(500)}` } };
    const { body } = await send('post', '/dashboards', {
      name: 'S',
      is_public: 'yes',
      allowed_viewers: [{ large: 'x'.repeat(500) }],
      widgets: [{ ...WIDGET, config: secret }],
    }).expect(422);
    const inputs = body.detail.map(({ loc, input }: { loc: string[]; input: unknown }) => [loc.at(-1), input]);
    expect(new Map(inputs)).toEqual(
      new Map<unknown, unknown>([
        ['is_public', 'yes'],
        [0, null],
        ['raw_sql', null],
        ['url', `javascript:${'x'.repeat(89)}…`],
      ]),
    );
    const { body: dashboard } = await send('post', '/dashboards', { name: 'S' });
    const many = Array.from({ length: 999 }, () => ({}));
    expect((await send('put', `/dashboards/${dashboard.id}/layout`, many).expect(422)).body.detail).toHaveLength(100);
  });

  it('accept members only by the names of the contract', async () => {
    const { body } = await send('post', '/dashboards', { name: 'S', isPublic: true, ownerId: 'eve' }).expect(201);
    expect(body).toMatchObject({ is_public: false, owner_id: 'ada' });
  });

  it('log what the developer has to fix, and tell the client less', async () => {
    const warnings: string[] = [];
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => {
      warnings.push(String(message));
    });
    await send('get', '/dashboards', undefined, bearer('0b4c2f6e-5d51-4a57-9a3f-0a4b1f6f8a11')).expect(400);
    await send('get', '/dashboards', undefined, bearer('nobody')).expect(404);
    warn.mockRestore();
    expect(warnings).toEqual([expect.stringContaining('schemaFor'), expect.stringContaining('ensureTables')]);
  });

  it('hide internal errors, and return a request id', async () => {
    await ensureTables(database.pool, { schema: 'tenant_broken', createSchema: true });
    await database.query('ALTER TABLE tenant_broken.prismiq_dashboards RENAME COLUMN version TO versions');
    const behind = await send('get', '/dashboards', undefined, bearer('broken')).expect(503);
    expect(behind.body).toEqual({ detail: expect.any(String), request_id: expect.any(String) });
    const unknown = await send('get', '/dashboards', undefined, bearer('nobody')).expect(404);
    expect(unknown.body).toEqual({ detail: 'Unknown tenant', code: 'TENANT_NOT_FOUND' });
    expect(JSON.stringify([behind.body, unknown.body])).not.toMatch(/prismiq_|tenant_|SELECT|column/);
  });
});

describe.each(PLATFORMS)('a controller that a host has subclassed, on %s', (platform) => {
  it('has the tenant, the error format, and the routes that it did not override', async () => {
    const database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });

    @PrismiqController('reports/dashboards')
    @UseGuards(TokenGuard)
    class ReportsController extends PrismiqDashboardsController {
      @Get()
      override async list() {
        return { ...(await super.list()), count: (await this.dashboards.list()).length };
      }
    }
    @Module({
      imports: [ormModule(database), PrismiqModule.forRoot({ resolver })],
      controllers: [ReportsController],
    })
    class HostModule implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(dropContentTypeOfEmptyBody).forRoutes(ReportsController);
      }
    }
    const app = await boot({ imports: [HostModule] }, platform);
    const as = (method: 'get' | 'post' | 'delete', path = '') =>
      request(app.getHttpServer())
        [method](`/reports/dashboards${path}`)
        .set('Authorization', ada)
        .set('Content-Type', 'application/json');
    const { body } = await as('post').send({ name: 'S' }).expect(201);
    await as('get').expect(200, { dashboards: [body], count: 1 });
    expect((await as('get', `/${randomUUID()}`).expect(404)).body.detail).toBe('Dashboard not found');
    await as('delete', `/${body.id}`).expect(200);
    await app.close();
    await database.close();
  });
});

describe('mounted controllers', () => {
  let database: TestDatabase;
  let app: INestApplication;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
  });
  afterEach(() => app.close());
  afterAll(() => database.close());

  it('leave no metadata on the classes that hosts subclass, and guard each registration by itself', async () => {
    @Injectable()
    class Closed implements CanActivate {
      canActivate() {
        return false;
      }
    }
    const keys = () => Reflect.getMetadataKeys(PrismiqDashboardsController);
    const before = keys();
    app = await boot({
      imports: [
        ormModule(database),
        PrismiqModule.forRoot({ resolver, controllers: { path: 'open', guards: [TokenGuard] } }),
        PrismiqModule.forRoot({ resolver, controllers: { path: 'closed', guards: [Closed] } }),
      ],
    });
    await request(app.getHttpServer()).get('/open/dashboards').set('Authorization', ada).expect(200);
    const refused = await request(app.getHttpServer()).get('/closed/dashboards').set('Authorization', ada).expect(403);
    expect(refused.body).toEqual({ detail: 'Forbidden resource' });
    expect(keys()).toEqual(before);
  });

  it('take guards, interceptors and decorators of the host, which come before ours', async () => {
    const tenants: (string | undefined)[] = [];
    @Injectable()
    class RecordingInterceptor implements NestInterceptor {
      constructor(private readonly tenant: TenantContext) {}
      intercept(_: ExecutionContext, next: CallHandler) {
        tenants.push(this.tenant.current()?.tenantId);
        return next.handle().pipe(map((body: object) => ({ ...body, seen: true })));
      }
    }
    @Catch(PrismiqError)
    class TeapotFilter implements ExceptionFilter {
      catch(_: unknown, host: ArgumentsHost) {
        host.switchToHttp().getResponse().status(418).json({ mine: true });
      }
    }
    const marks: string[] = [];
    app = await boot({
      imports: [
        ormModule(database),
        PrismiqModule.forRoot({
          resolver,
          controllers: {
            guards: [TokenGuard],
            interceptors: [RecordingInterceptor],
            decorators: [UseFilters(TeapotFilter), ({ name }) => void marks.push(name)],
            include: ['saved-queries', 'saved-queries'],
          },
        }),
      ],
    });
    const get = (path: string) => request(app.getHttpServer()).get(`/prismiq${path}`).set('Authorization', ada);
    expect((await get('/saved-queries').expect(200)).body).toEqual({ queries: [], seen: true });
    expect(tenants).toEqual(['acme']);
    expect((await get(`/saved-queries/${randomUUID()}`).expect(418)).body).toEqual({ mine: true });
    expect((await get('/dashboards').expect(404)).body).toEqual({ detail: 'Not Found' });
    expect(marks).toEqual(['PrismiqSavedQueriesController']);
  });

  it.each(PLATFORMS)('stand behind the prefix of the host, unless the host excepts them, on %s', async (platform) => {
    const imports = [ormModule(database), PrismiqModule.forRoot({ resolver, controllers: { guards: [TokenGuard] } })];
    const start = async (exclude: string[]) => {
      app = await boot({ imports }, platform, (app) => app.setGlobalPrefix('api', { exclude }));
    };
    const get = async (path: string) => {
      const { status, body } = await request(app.getHttpServer()).get(path).set('Authorization', ada);
      return [status, body.detail];
    };
    await start(['health']);
    expect(await get('/api/prismiq/dashboards')).toEqual([200, undefined]);
    expect(await get('/api/prismiq/nothing')).toEqual([404, 'Not Found']);
    expect(await get('/prismiq/nothing')).toEqual([404, undefined]);
    await app.close();
    await start(['prismiq/{*route}']);
    expect(await get('/prismiq/dashboards')).toEqual([200, undefined]);
    expect(await get('/prismiq/nothing')).toEqual([404, 'Not Found']);
    expect(await get('/api/prismiq/nothing')).toEqual([404, undefined]);
  });

  it.each(PLATFORMS)('can have a version of their own, in the URI or in a header, on %s', async (platform) => {
    const mount = (version: string, include: PrismiqControllerName[]) =>
      PrismiqModule.forRoot({ resolver, controllers: { version, include, guards: [TokenGuard] } });
    const imports = [ormModule(database), mount('1', ['dashboards']), mount('2', ['saved-queries'])];
    const status = async (path: string, headers = {}) =>
      (await request(app.getHttpServer()).get(path).set('Authorization', ada).set(headers)).status;

    app = await boot({ imports }, platform, (app) =>
      app.enableVersioning({ type: VersioningType.URI, prefix: 'version' }),
    );
    expect(await status('/version1/prismiq/dashboards')).toBe(200);
    expect(await status('/version2/prismiq/saved-queries')).toBe(200);
    expect(await status('/version2/prismiq/dashboards')).toBe(404);
    await app.close();

    app = await boot({ imports }, platform, (app) =>
      app.enableVersioning({ type: VersioningType.HEADER, header: 'V' }),
    );
    expect(await status('/prismiq/dashboards', { V: '1' })).toBe(200);
    expect(await status('/prismiq/saved-queries', { V: '2' })).toBe(200);
    expect(await status('/prismiq/dashboards', { V: '2' })).toBe(404);
    expect(await status('/prismiq/dashboards')).toBe(404);
  });

  it("keep the host's own error format on the host's own routes", async () => {
    @Controller('mine')
    class MineController {
      @Get()
      fail() {
        throw new HttpException({ mine: true }, 418);
      }
    }
    app = await boot({
      imports: [ormModule(database), PrismiqModule.forRoot({ resolver, controllers: true })],
      controllers: [MineController],
    });
    expect((await request(app.getHttpServer()).get('/mine').expect(418)).body).toEqual({ mine: true });
  });
});
