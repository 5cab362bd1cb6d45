import { randomUUID } from 'node:crypto';
import { Controller, Get, VersioningType, type INestApplication } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ensureTables, PrismiqController, PrismiqDashboardsController, PrismiqModule } from '@prismiq/nestjs';
import openapiTS, { astToString } from 'openapi-typescript';
import request from 'supertest';
import ts from 'typescript';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, resolver, TokenGuard } from './support/host.js';

const ada = bearer('acme', 'ada');
const QUERY = {
  tables: [{ id: 'o', name: 'orders' }],
  columns: [{ table_id: 'o', column: 'amount', aggregation: 'sum' }],
  filters: [{ table_id: 'o', column: 'status', operator: 'in_', value: ['paid'] }],
};
const WIDGET = { type: 'metric', title: 'Total', query: QUERY, position: { x: 0, y: 0, w: 3, h: 2, minW: 2 } };

const createDocument = (app: INestApplication): OpenAPIObject =>
  SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('Host').build());

/** All operations of a document. */
const listOperations = ({ paths }: OpenAPIObject) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
  );

/** What the compiler says of a file that uses the types made from a document. */
async function diagnose(document: OpenAPIObject, source: string): Promise<string[]> {
  const client = `${astToString(await openapiTS(JSON.stringify(document)))}\n${source}`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, version) =>
    name === 'client.ts' ? ts.createSourceFile(name, client, version) : getSourceFile(name, version);
  const program = ts.createProgram(['client.ts'], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('the OpenAPI document', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let document: OpenAPIObject;

  @Controller('mine')
  class MineController {
    @Get()
    get() {
      return {};
    }
  }

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot({
      imports: [
        ormModule(database),
        PrismiqModule.forRoot({
          resolver,
          controllers: { path: 'api/prismiq', guards: [TokenGuard] },
          query: { tables: {} },
        }),
      ],
      controllers: [MineController],
    });
    document = createDocument(app);
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  it('is valid OpenAPI', async () => {
    expect(await new Validator().validate(structuredClone(document) as never)).toMatchObject({ valid: true });
  });

  it('describes every route: input, answers, headers, errors', () => {
    const ours = listOperations(document).filter(({ path }) => path.startsWith('/api/prismiq'));
    expect(ours).toHaveLength(38);
    expect(ours.map(({ operationId }) => operationId).toSorted()).toEqual([
      'addWidget',
      'chatWithLlm',
      'createDashboard',
      'createSavedQuery',
      'deleteDashboard',
      'deleteSavedQuery',
      'deleteWidget',
      'duplicateDashboard',
      'duplicateWidget',
      'executeQuery',
      'executeSql',
      'executeTimeSeries',
      'executeWidget',
      'exportDashboard',
      'generateSql',
      'getColumnSample',
      'getDashboard',
      'getDataSources',
      'getEnhancedSchema',
      'getEnhancedTable',
      'getLlmStatus',
      'getSavedQuery',
      'getSchema',
      'getTable',
      'getTables',
      'importDashboard',
      'listDashboards',
      'listSavedQueries',
      'patchWidget',
      'previewQuery',
      'transferDashboard',
      'updateDashboard',
      'updateLayout',
      'updateSavedQuery',
      'updateWidget',
      'validateQuery',
      'validateQueryDetailed',
      'validateSql',
    ]);
    for (const { operationId, method, summary, tags, requestBody, responses } of ours) {
      expect([operationId, summary, tags]).toEqual([operationId, expect.stringMatching(/\w/), ['Prismiq']]);
      const takesBody = ['post', 'put', 'patch'].includes(method) && !/^(duplicateW|chat)/.test(operationId);
      expect([operationId, requestBody !== undefined]).toEqual([operationId, takesBody]);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '403', '404', '500', '503']));
      for (const [status, { content }] of Object.entries<any>(responses)) {
        const named = status === '304' ? undefined : expect.stringMatching(/^#\/components\/schemas\/Prismiq\w+$/);
        expect([operationId, status, content?.['application/json'].schema.$ref]).toEqual([operationId, status, named]);
      }
    }
    const patch = document.paths['/api/prismiq/dashboards/{id}']!.patch!;
    expect(patch.parameters).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'If-Match', in: 'header', required: false })]),
    );
    expect(patch.responses['200']).toMatchObject({ headers: { ETag: { schema: { type: 'string' } } } });
    expect(Object.keys(patch.responses)).toEqual(expect.arrayContaining(['409', '412', '413', '415', '422']));
    const list = document.paths['/api/prismiq/dashboards']!.get!;
    expect((list.parameters as { name: string }[]).map(({ name }) => name).toSorted()).toEqual([
      'cursor',
      'fields',
      'limit',
      'order',
      'owner',
      'q',
      'sort',
      'total',
    ]);
  });

  it('has the rules by which input is checked', () => {
    const { schemas } = document.components!;
    expect(schemas).toMatchObject({
      PrismiqCreateDashboard: { required: ['name'], properties: { allowed_viewers: { maxItems: 1000 } } },
      PrismiqPosition: { required: ['x', 'y', 'w', 'h'], properties: { minW: { minimum: 1 } } },
      PrismiqCreateWidget: {
        properties: { title: { maxLength: 255 }, type: { enum: expect.arrayContaining(['table']) } },
      },
      PrismiqLayoutInput: { properties: { row_height: {}, rowHeight: {} } },
      PrismiqPlacement: { required: ['widget_id', 'position'] },
    });
  });

  it('leaves the routes of the host alone', () => {
    expect(document.paths['/mine']!.get).toEqual({
      operationId: 'MineController_get',
      parameters: [],
      responses: { 200: { description: '' } },
      tags: ['Mine'],
    });
  });

  it('yields types that fit the answers of the server, and nothing else', async () => {
    const send = (method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string, body?: object) =>
      request(app.getHttpServer())[method](`/api/prismiq${path}`).set('Authorization', ada).send(body);
    const made = await send('post', '/dashboards', {
      name: 'S',
      filters: [{ id: 'f', type: 'select', label: 'L', field: 'region' }],
      widgets: [WIDGET],
    });
    const { id, widgets } = made.body;
    const query = await send('post', '/saved-queries', { name: 'q', query: QUERY });
    const exported = await send('get', `/dashboards/${id}/export`);
    const answers: [operation: string, status: number, body: unknown][] = [
      ['createDashboard', 201, made.body],
      ['getDashboard', 200, (await send('get', `/dashboards/${id}`)).body],
      ['listDashboards', 200, (await send('get', '/dashboards')).body],
      ['listDashboards', 200, (await send('get', '/dashboards?fields=summary&total=true')).body],
      ['updateDashboard', 200, (await send('patch', `/dashboards/${id}`, { description: 'x' })).body],
      ['updateDashboard', 409, (await send('patch', `/dashboards/${id}`, { name: 'x', version: 1 })).body],
      ['updateDashboard', 422, (await send('patch', `/dashboards/${id}`, { is_public: 1 })).body],
      ['updateLayout', 200, (await send('put', `/dashboards/${id}/layout`, [])).body],
      ['addWidget', 201, (await send('post', `/dashboards/${id}/widgets`, WIDGET)).body],
      ['updateWidget', 200, (await send('put', `/dashboards/${id}/widgets/${widgets[0].id}`, { title: 't' })).body],
      ['duplicateWidget', 201, (await send('post', `/dashboards/${id}/widgets/${widgets[0].id}/duplicate`)).body],
      ['executeWidget', 501, (await send('post', `/dashboards/${id}/widgets/${widgets[0].id}/execute`)).body],
      ['exportDashboard', 200, exported.body],
      ['importDashboard', 201, (await send('post', '/dashboards/import', { ...exported.body, name: 'T' })).body],
      ['importDashboard', 409, (await send('post', '/dashboards/import', exported.body)).body],
      ['duplicateDashboard', 201, (await send('post', `/dashboards/${id}/duplicate`)).body],
      ['transferDashboard', 200, (await send('put', `/dashboards/${id}/owner`, { owner_id: 'ada' })).body],
      ['createSavedQuery', 201, query.body],
      ['listSavedQueries', 200, (await send('get', '/saved-queries')).body],
      ['listSavedQueries', 422, (await send('get', '/saved-queries?limit=x')).body],
      ['getSavedQuery', 404, (await send('get', `/saved-queries/${randomUUID()}`)).body],
      ['deleteSavedQuery', 200, (await send('delete', `/saved-queries/${query.body.id}`)).body],
    ];
    const typed = ([operation, status, body]: (typeof answers)[number], index: number) =>
      `export const answer${index}: operations['${operation}']['responses'][${status}]['content']['application/json'] = ` +
      `${JSON.stringify(body)};`;
    expect(await diagnose(document, answers.map(typed).join('\n'))).toEqual([]);
    const { version: _, ...unversioned } = made.body;
    expect(await diagnose(document, typed(['createDashboard', 201, unversioned], 0))).toEqual([
      expect.stringContaining('version'),
    ]);
  });

  it('has other ids for a second registration, and those of the host where the host has said something itself', async () => {
    @PrismiqController('reports')
    class ReportsController extends PrismiqDashboardsController {
      @Get()
      @ApiOperation({ summary: 'Mine', operationId: 'myList' })
      @ApiOkResponse({ description: 'My answer' })
      override async list() {
        return super.list();
      }
    }
    const second = await boot(
      {
        imports: [
          ormModule(database),
          PrismiqModule.forRoot({ resolver, isGlobal: true, controllers: { path: 'a', guards: [TokenGuard] } }),
          PrismiqModule.forRoot({ resolver, controllers: { path: 'b', version: '2', include: ['saved-queries'] } }),
        ],
        controllers: [ReportsController],
      },
      'express',
      (app) => app.enableVersioning({ type: VersioningType.URI }),
    );
    const operations = listOperations(createDocument(second));
    const ids = operations.map(({ operationId }) => operationId as string);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining(['listSavedQueries', 'listSavedQueries_2', 'myList', 'ReportsController_get']),
    );
    expect(operations.find(({ path }) => path === '/reports')).toMatchObject({
      summary: 'Mine',
      responses: { 200: { description: 'My answer' }, 422: { content: expect.anything() } },
    });
    expect(operations.find(({ operationId }) => operationId === 'ReportsController_get')).toMatchObject({
      responses: {
        200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/PrismiqDashboard' } } } },
      },
    });
    expect(Reflect.getMetadataKeys(PrismiqDashboardsController.prototype.get).join()).not.toContain('swagger');
    expect(operations.find(({ path }) => path === '/v2/b/saved-queries')).toBeDefined();
    expect(operations.some(({ path }) => path.startsWith('/v2/b/dashboards'))).toBe(false);
    await second.close();
  });
});
