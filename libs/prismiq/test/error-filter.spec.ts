import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Controller,
  Get,
  Injectable,
  Logger,
  Param,
  UseFilters,
  type INestApplication,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { jest } from '@jest/globals';
import { DashboardRepository, ensureTables, PrismiqErrorFilter, PrismiqModule, TenantContext } from '@prismiq/nestjs';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';
import { WebSocket } from 'ws';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule } from './support/host.js';

const MISSING = '00000000-0000-4000-8000-000000000000';

/** Renames the dashboards of a tenant, and so meets each kind of error. */
@Injectable()
class Renaming {
  constructor(
    private readonly dashboards: DashboardRepository,
    private readonly tenants: TenantContext,
  ) {}

  async rename(user: string, id: string): Promise<string> {
    if (user === 'nobody') {
      return (await this.dashboards.get(id)).name;
    }
    const [tenantId = '', userId] = user.split('/');
    const { name } = await this.tenants.runInTenant({ tenantId, userId }, () =>
      this.dashboards.update(id, { name: 'Renamed' }),
    );
    return name;
  }
}

@Resolver()
class RenamingResolver {
  constructor(private readonly renaming: Renaming) {}

  @Query(() => String, { nullable: true })
  rename(@Args('user') user: string, @Args('id') id: string): Promise<string> {
    return this.renaming.rename(user, id);
  }
}

@Controller()
class RenamingController {
  constructor(private readonly renaming: Renaming) {}

  @Get('rename/:user/:id')
  http(@Param('user') user: string, @Param('id') id: string): Promise<string> {
    return this.renaming.rename(decodeURIComponent(user), id);
  }

  @MessagePattern('rename')
  rpc(@Payload() { user, id }: { user: string; id: string }): Promise<string> {
    return this.renaming.rename(user, id);
  }
}

@Injectable()
class RenamingGateway {
  constructor(private readonly renaming: Renaming) {}

  @SubscribeMessage('rename')
  async ws(@MessageBody() { user, id }: { user: string; id: string }) {
    return { event: 'renamed', data: await this.renaming.rename(user, id) };
  }
}

describe.each([
  ['with PrismiqErrorFilter', [{ provide: APP_FILTER, useClass: PrismiqErrorFilter }] as Provider[]],
  ['with the filters of Nest alone', [] as Provider[]],
])("Prismiq's errors on the host's own transports, %s", (_, filters) => {
  const hasFilter = filters.length > 0;
  let database: TestDatabase;
  let app: INestApplication;
  let id: string;
  let logged: string[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    await ensureTables(database.pool, { schema: 'tenant_broken', createSchema: true });
    await database.query('ALTER TABLE tenant_broken.prismiq_dashboards RENAME COLUMN name TO title');
    // Nest applies no global filter to gateways.
    @WebSocketGateway({ path: '/live' })
    @UseFilters(...(hasFilter ? [PrismiqErrorFilter] : []))
    class FilteredGateway extends RenamingGateway {}
    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true });
    const port = await freePort();
    app = await boot(
      {
        imports: [ormModule(database), PrismiqModule.forRoot({ connections: { lockTimeoutMs: 50 } }), graphql],
        controllers: [RenamingController],
        providers: [Renaming, RenamingResolver, FilteredGateway, ...filters],
      },
      'express',
      (host) => {
        host.useWebSocketAdapter(new WsAdapter(host));
        const options = { host: '127.0.0.1', port };
        host.connectMicroservice<MicroserviceOptions>(
          { transport: Transport.TCP, options },
          { inheritAppConfig: true },
        );
        client = ClientProxyFactory.create({ transport: Transport.TCP, options });
      },
    );
    await app.startAllMicroservices();
    const dashboard = { name: 'Sales', isPublic: true };
    ({ id } = await app
      .get(TenantContext)
      .runInTenant({ tenantId: 'acme', userId: 'ada' }, () => app.get(DashboardRepository).create(dashboard)));
  });
  beforeEach(() => {
    logged = [];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((message: unknown) => void logged.push(`${message}`));
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    client.close();
    await app.close();
    await database.close();
  });

  let client: ReturnType<typeof ClientProxyFactory.create>;

  // user, HTTP status, code, exposed text or that in its place
  const REFUSALS = [
    ['acme/bob', 403, 'FORBIDDEN', 'Permission denied', true],
    ['acme/ada', 404, 'NOT_FOUND', 'Dashboard not found', true],
    ['globex/ada', 404, 'TENANT_NOT_FOUND', 'Unknown tenant', false],
    ['nobody', 400, 'TENANT_REQUIRED', 'The request belongs to no valid tenant', false],
    ['broken/ada', 503, 'INTERNAL_SERVER_ERROR', 'The service is not available at the moment', false],
  ] as const;
  const idFor = (user: string) => (user === 'acme/bob' ? id : MISSING);

  it.each(REFUSALS)('%s in GraphQL', async (user, status, code, message, isExposed) => {
    const { body } = await request(app.getHttpServer())
      .post('/graphql')
      .send({ query: `{ rename(user: "${user}", id: "${idFor(user)}") }` })
      .expect(200);
    expect(body.data).toEqual({ rename: null });
    expect(body.errors[0].extensions).toMatchObject({ code, status });
    expect(body.errors[0].message).toEqual(hasFilter || isExposed ? message : expect.not.stringContaining(message));
    if (hasFilter && !isExposed) {
      expect(JSON.stringify(body)).not.toMatch(/schema|tenant_|ensureTables|runInTenant/);
    }
  });

  it.each(REFUSALS)('%s over HTTP', async (user, status, code, message, isExposed) => {
    const { body } = await request(app.getHttpServer()).get(
      `/rename/${encodeURIComponent(encodeURIComponent(user))}/${idFor(user)}`,
    );
    const withoutFilter = isExposed
      ? message
      : { 400: 'Bad Request', 404: 'Not Found', 503: 'Service Unavailable' }[status as 400];
    expect(body).toEqual(
      hasFilter ? { statusCode: status, message, code } : { statusCode: status, message: withoutFilter },
    );
    // Nest logs every error that is no HttpException, with its stack.
    expect(logged.length).toBe(hasFilter && status < 500 ? 0 : 1);
  });

  it.each(REFUSALS)('%s as the answer to a message', async (user, _status, code, message) => {
    const answer = firstValueFrom(client.send('rename', { user, id: idFor(user) }));
    await expect(answer).rejects.toEqual(
      hasFilter ? { status: 'error', message, code } : { status: 'error', message: 'Internal server error' },
    );
  });

  it.each(REFUSALS)('%s over a WebSocket', async (user, _status, code, message) => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live`);
    await once(socket, 'open');
    socket.send(JSON.stringify({ event: 'rename', data: { user, id: idFor(user) } }));
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(String(answer))).toEqual({
      event: 'exception',
      data: hasFilter
        ? { status: 'error', message, code }
        : expect.objectContaining({ status: 'error', message: 'Internal server error' }),
    });
    socket.terminate();
  });

  it('a record that somebody else holds, over HTTP', async () => {
    const holder = await database.pool.connect();
    await holder.query('BEGIN; SELECT FROM tenant_acme.prismiq_dashboards FOR UPDATE');
    const answer = await request(app.getHttpServer()).get(`/rename/${encodeURIComponent('acme%2Fada')}/${id}`);
    await holder.query('ROLLBACK');
    holder.release();
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe(hasFilter ? '1' : undefined);
  });

  it("an error of the host's own keeps its form", async () => {
    const { body } = await request(app.getHttpServer()).get('/nothing').expect(404);
    expect(body).toEqual({ statusCode: 404, message: 'Cannot GET /nothing', error: 'Not Found' });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
