import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Header,
  Injectable,
  StreamableFile,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  CurrentTenant,
  DashboardRepository,
  ensureTables,
  fromUser,
  PrismiqModule,
  TenantContext,
  TenantGuard,
  TenantInterceptor,
  TenantRequiredError,
  type Tenant,
} from '@prismiq/nestjs';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';
import { WebSocket } from 'ws';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, TokenGuard } from './support/host.js';

const WHAT_TO_DO = /^No tenant in context\..*runInTenant\(tenantId, fn\)/s;
const user = fromUser({ tenantId: 'tenantId', userId: 'userId' });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Tenant acme has one dashboard; code that works for acme sees its name. */
describe('the tenant, in every transport', () => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const tenant of ['acme', 'globex']) {
      await ensureTables(database.pool, { schema: `tenant_${tenant}`, createSchema: true });
      await database.query(
        `INSERT INTO tenant_${tenant}.prismiq_dashboards (tenant_id, name, is_public) VALUES ($1, $2, true)`,
        [tenant, `of ${tenant}`],
      );
    }
  });
  afterEach(async () => {
    await app.close();
  });
  afterAll(() => database.close());

  const imports = () => [ormModule(database), PrismiqModule.forRoot({ resolver: user, isGlobal: true })];
  const names = async (dashboards: DashboardRepository) => (await dashboards.list()).map(({ name }) => name);

  describe.each(PLATFORMS)('in an answer that goes on after the handler has returned, on %s', (platform) => {
    @Controller()
    @UseGuards(TokenGuard)
    @UseInterceptors(TenantInterceptor)
    class StreamsController {
      constructor(readonly dashboards: DashboardRepository) {}

      private async *lines() {
        for (let index = 0; index < 3; index += 1) {
          await pause(5);
          yield `${await names(this.dashboards)}\n`;
        }
      }

      @Get('file')
      @Header('Content-Type', 'text/plain')
      file() {
        return new StreamableFile(Readable.from(this.lines()), { type: 'text/plain' });
      }

      @Get('late')
      late() {
        // Not awaited: it continues long after the answer was sent.
        const work = pause(20).then(() => names(this.dashboards));
        late.push(work);
        return 'soon';
      }
    }
    const late: Promise<string[]>[] = [];

    beforeEach(async () => {
      app = await boot({ imports: imports(), controllers: [StreamsController] }, platform);
    });

    const get = (path: string, tenantId: string) =>
      request(app.getHttpServer()).get(path).set('Authorization', bearer(tenantId, 'ada')).expect(200);

    it('is there, in a stream', async () => {
      const [acme, globex] = await Promise.all([get('/file', 'acme'), get('/file', 'globex')]);
      expect(acme.text).toBe('of acme\n'.repeat(3));
      expect(globex.text).toBe('of globex\n'.repeat(3));
    });

    it('is there, in work that is not awaited', async () => {
      await get('/late', 'acme');
      await get('/late', 'globex');
      expect(await Promise.all(late.splice(0))).toEqual([['of acme'], ['of globex']]);
    });
  });

  it('is there in the handler of a message, if the message names one', async () => {
    /** Stands in for the host's own guard of messages, which puts the sender into their context. */
    class SenderGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const rpc = context.switchToRpc();
        rpc.getContext<{ user: unknown }>().user = rpc.getData<{ sender?: unknown }>().sender;
        return true;
      }
    }
    const failures: unknown[] = [];

    @Controller()
    @UseGuards(SenderGuard)
    @UseInterceptors(TenantInterceptor)
    class MessagesController {
      constructor(readonly dashboards: DashboardRepository) {}

      @MessagePattern('names')
      async names(@Payload() _data: unknown) {
        return names(this.dashboards).catch((error: unknown) => {
          failures.push(error);
          throw error;
        });
      }

      @MessagePattern('whose')
      whose(@CurrentTenant() { tenantId, userId }: Tenant) {
        return { tenantId, userId };
      }
    }
    const port = await freePort();
    app = await boot({ imports: imports(), controllers: [MessagesController] });
    app.connectMicroservice<MicroserviceOptions>(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
      {
        inheritAppConfig: false,
      },
    );
    await app.startAllMicroservices();
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    try {
      const send = (pattern: string, data: object) => firstValueFrom(client.send<unknown>(pattern, data));
      const sender = { tenantId: 'acme', userId: 'ada' };
      expect(await send('names', { sender })).toEqual(['of acme']);
      expect(await send('whose', { sender })).toEqual(sender);
      await expect(send('names', {})).rejects.toBeDefined();
      expect(failures).toEqual([expect.any(TenantRequiredError)]);
      expect((failures[0] as Error).message).toMatch(WHAT_TO_DO);
    } finally {
      client.close();
    }
  });

  it('is there in the handler of a WebSocket message, and nowhere else in a gateway', async () => {
    class TokenOfFirstMessageGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const ws = context.switchToWs();
        const { token } = ws.getData<{ token?: string }>();
        ws.getClient<{ user: unknown }>().user = token === undefined ? undefined : { tenantId: token };
        return true;
      }
    }
    const failures: unknown[] = [];

    @WebSocketGateway({ path: '/live' })
    @UseGuards(TokenOfFirstMessageGuard)
    @UseInterceptors(TenantInterceptor)
    class LiveGateway {
      constructor(readonly dashboards: DashboardRepository) {}

      /** Interceptors do not run for the life cycle of a connection. */
      handleConnection() {
        return names(this.dashboards).catch((error: unknown) => failures.push(error));
      }

      @SubscribeMessage('names')
      async names(@MessageBody() _data: unknown) {
        return { event: 'names', data: await names(this.dashboards).catch((error: unknown) => String(error)) };
      }
    }
    // A guard of all routes is one of all gateways, too.
    const providers = [LiveGateway, { provide: APP_GUARD, useExisting: TenantGuard }];
    app = await boot({ imports: imports(), providers }, 'express', (host) =>
      host.useWebSocketAdapter(new WsAdapter(host)),
    );
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live`);
    await once(socket, 'open');
    const ask = async (data: object) => {
      socket.send(JSON.stringify({ event: 'names', data }));
      const [answer] = (await once(socket, 'message')) as [Buffer];
      return JSON.parse(String(answer)).data as unknown;
    };
    expect(await ask({ token: 'acme' })).toEqual(['of acme']);
    // Per message, not per connection: after a new login or a logout, the user is another one.
    expect(await ask({ token: 'globex' })).toEqual(['of globex']);
    expect(await ask({})).toMatch(/TenantRequiredError: No tenant in context/);
    expect(failures).toEqual([expect.any(TenantRequiredError)]);
    expect((failures[0] as Error).message).toMatch(WHAT_TO_DO);
    socket.terminate();
  });

  it('is there in a cron job that names it, and a job that does not fails closed', async () => {
    const results: unknown[] = [];

    @Injectable()
    class Jobs {
      constructor(
        readonly dashboards: DashboardRepository,
        readonly tenants: TenantContext,
      ) {}

      @Cron('0 0 1 1 *', { name: 'for nobody', waitForCompletion: true })
      async forNobody() {
        results.push(await names(this.dashboards).catch((error: unknown) => error));
      }

      @Cron('0 0 1 1 *', { name: 'for each', waitForCompletion: true })
      async forEach() {
        await this.tenants.forEachTenant(async () => results.push(await names(this.dashboards)));
      }
    }
    app = await boot({ imports: [...imports(), ScheduleModule.forRoot()], providers: [Jobs] });
    const scheduler = app.get(SchedulerRegistry);
    await scheduler.getCronJob('for nobody').fireOnTick();
    await scheduler.getCronJob('for each').fireOnTick();
    expect(results).toEqual([expect.any(TenantRequiredError), ['of acme'], ['of globex']]);
    expect((results[0] as Error).message).toMatch(WHAT_TO_DO);
  });

  it('is there in the handler of an event that was emitted in its context', async () => {
    const results: unknown[] = [];

    @Injectable()
    class Listener {
      constructor(readonly dashboards: DashboardRepository) {}

      @OnEvent('order.paid')
      async onPaid() {
        results.push(await names(this.dashboards).catch((error: unknown) => error));
      }

      @OnEvent('order.paid', { async: true })
      async later() {
        await pause(5);
        results.push(await names(this.dashboards).catch((error: unknown) => error));
      }
    }
    app = await boot({ imports: [...imports(), EventEmitterModule.forRoot()], providers: [Listener] });
    const emitter = app.get(EventEmitter2);
    const emit = async () => {
      const before = results.length;
      await emitter.emitAsync('order.paid', {});
      while (results.length < before + 2) {
        await pause(5);
      }
    };
    await app.get(TenantContext).runInTenant('acme', emit);
    expect(results.splice(0)).toEqual([['of acme'], ['of acme']]);
    await emit();
    expect(results).toEqual([expect.any(TenantRequiredError), expect.any(TenantRequiredError)]);
    expect((results[0] as Error).message).toMatch(WHAT_TO_DO);
  });

  it('is there in a callback that is called from elsewhere, once it is bound', async () => {
    app = await boot({ imports: imports() });
    const tenants = app.get(TenantContext);
    const bound = await tenants.runInTenant('acme', () =>
      tenants.bind((suffix: string) => tenants.require().tenantId + suffix),
    );
    expect(bound('!')).toBe('acme!');
    expect(await tenants.runInTenant('globex', () => bound('?'))).toBe('acme?');
    expect(tenants.current()).toBeUndefined();
    expect(() => tenants.bind(() => 1)).toThrow(TenantRequiredError);
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
