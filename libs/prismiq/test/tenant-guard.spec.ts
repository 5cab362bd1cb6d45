import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  Catch,
  Controller,
  Get,
  Injectable,
  Param,
  Post,
  Req,
  RequestMethod,
  StreamableFile,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, ExternalContextCreator, HttpAdapterHost } from '@nestjs/core';
import { EntityManager } from '@mikro-orm/postgresql';
import {
  CurrentTenant,
  getTenantGuard,
  InjectPrismiq,
  PrismiqModule,
  TenantContext,
  TenantGuard,
  TenantInterceptor,
  tenantsFromList,
  type Tenant,
} from '@prismiq/nestjs';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';

/** Where a request has passed, and which tenant was seen there. */
const seen: string[] = [];
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(PLATFORMS)('TenantGuard, on %s', (platform) => {
  let database: TestDatabase;
  let app: INestApplication;
  let resolutions = 0;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => {
    seen.length = 0;
    resolutions = 0;
  });
  afterEach(() => app.close());
  afterAll(() => database.close());

  @Injectable()
  class Observer {
    constructor(private readonly tenants: TenantContext) {}
    note(where: string) {
      seen.push(`${where} ${this.tenants.current()?.tenantId}`);
    }
  }
  @Injectable()
  class NotingPipe implements PipeTransform {
    constructor(private readonly observer: Observer) {}
    transform(value: unknown) {
      this.observer.note('pipe');
      return value;
    }
  }
  @Injectable()
  class NotingInterceptor {
    constructor(private readonly observer: Observer) {}
    intercept(_context: ExecutionContext, next: CallHandler) {
      this.observer.note('interceptor');
      return next.handle();
    }
  }
  @Catch()
  @Injectable()
  class NotingFilter {
    constructor(
      private readonly observer: Observer,
      private readonly host: HttpAdapterHost,
    ) {}
    catch(_error: unknown, host: ArgumentsHost) {
      this.observer.note('filter');
      this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { caught: true }, 418);
    }
  }

  @Controller('tenants')
  class HostController {
    constructor(private readonly observer: Observer) {}

    @Get('whose')
    whose(@CurrentTenant() tenant: Tenant) {
      return tenant;
    }

    @Get('pass/:id')
    @UsePipes(NotingPipe)
    @UseInterceptors(NotingInterceptor)
    @UseFilters(NotingFilter)
    pass(@Param('id') _id: string) {
      this.observer.note('handler');
      throw new Error('caught by the filter');
    }

    @Get('stream')
    stream() {
      const observer = this.observer;
      const lines = async function* () {
        yield 'a';
        await pause(5);
        observer.note('stream');
        yield 'b';
      };
      return new StreamableFile(Readable.from(lines()));
    }

    /** A body in many parts arrives over several turns of the event loop. */
    @Post('body')
    body(@CurrentTenant() { tenantId }: Tenant) {
      return { tenantId };
    }
  }

  const options = {
    resolver: (context: ExecutionContext) => {
      resolutions += 1;
      return resolver(context);
    },
    directory: tenantsFromList(['acme', 'globex', { tenantId: 'late', state: 'suspended' as const }]),
    isGlobal: true,
  };
  const start = async (metadata: object = {}, configure: (app: INestApplication) => void = () => undefined) => {
    app = await boot(
      {
        imports: [ormModule(database), PrismiqModule.forRoot(options)],
        controllers: [HostController],
        providers: [
          Observer,
          { provide: APP_GUARD, useClass: TokenGuard },
          { provide: APP_GUARD, useExisting: TenantGuard },
        ],
        ...metadata,
      },
      platform,
      configure,
    );
  };
  const get = (path: string, tenantId?: string) => {
    const sent = request(app.getHttpServer()).get(path);
    return tenantId === undefined ? sent : sent.set('Authorization', bearer(tenantId, 'ada'));
  };

  it('shows the tenant to everything around the handler', async () => {
    await start();
    await get('/tenants/pass/1', 'acme').expect(418);
    expect(seen).toEqual(['interceptor acme', 'pipe acme', 'handler acme', 'filter acme']);
    seen.length = 0;
    await get('/tenants/stream', 'globex').expect(200);
    expect(seen).toEqual(['stream globex']);
    expect(app.get(TenantContext).current()).toBeUndefined();
  });

  it('refuses unknown, suspended and contradictory tenants, and lets requests without a tenant pass', async () => {
    await start();
    await get('/tenants/whose', 'nobody').expect(404);
    await get('/tenants/whose', 'late').expect(403);
    await get('/tenants/whose', 'acme').set('X-Tenant-ID', 'globex').expect(403);
    await get('/tenants/whose').expect(400);
    await get('/tenants/whose', 'acme').expect(200);
  });

  it('separates concurrent requests on connections that stay open', async () => {
    await start();
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const tenantId = index % 2 === 0 ? 'acme' : 'globex';
        const { body } = await request(app.getHttpServer())
          .post('/tenants/body')
          .set('Authorization', bearer(tenantId, 'ada'))
          .send({ padding: 'x'.repeat((index * 997) % 90_000) })
          .expect(201);
        return body.tenantId === tenantId;
      }),
    );
    expect(answers).toEqual(Array.from({ length: 100 }, () => true));
  });

  it('resolves a request once, together with the interceptor', async () => {
    await start({
      providers: [
        Observer,
        { provide: APP_GUARD, useClass: TokenGuard },
        { provide: APP_GUARD, useExisting: TenantGuard },
        { provide: APP_INTERCEPTOR, useExisting: TenantInterceptor },
      ],
    });
    await get('/tenants/whose', 'acme').expect(200);
    expect(resolutions).toBe(1);
  });

  it('resolves a request once if guards run concurrently, as those of GraphQL fields do', async () => {
    @Injectable()
    @UseGuards(TenantGuard)
    class Fields {
      constructor(private readonly tenants: TenantContext) {}
      async field(..._resolverArguments: unknown[]) {
        const before = this.tenants.require().tenantId;
        await pause(40);
        return [before, this.tenants.require().tenantId];
      }
    }
    @Controller('graphql')
    class GraphController {
      constructor(
        private readonly creator: ExternalContextCreator,
        private readonly fields: Fields,
      ) {}
      @Get()
      query(@Req() req: unknown) {
        const { field } = this.fields;
        const resolve = this.creator.create(
          this.fields,
          field,
          'field',
          undefined,
          undefined,
          undefined,
          undefined,
          undefined,
          'graphql',
        );
        return Promise.all([1, 20].map((slowness) => resolve({}, { slowness }, { req }, {})));
      }
    }
    await start({
      imports: [
        ormModule(database),
        PrismiqModule.forRoot({
          ...options,
          resolver: async (context) => {
            const { slowness } = context.getArgByIndex<{ slowness: number }>(1);
            await pause(slowness);
            return { tenantId: slowness < 10 ? 'acme' : 'globex' };
          },
        }),
      ],
      controllers: [GraphController],
      providers: [Fields],
    });
    const { body } = await get('/graphql').expect(200);
    expect(body).toEqual([
      ['acme', 'acme'],
      ['acme', 'acme'],
    ]);
  });

  it('works behind a global prefix, and on a route that is excluded from it', async () => {
    await start({}, (host) =>
      host.setGlobalPrefix('api', { exclude: [{ path: 'tenants/whose', method: RequestMethod.GET }] }),
    );
    await get('/tenants/whose', 'acme').expect(200);
    await get('/api/tenants/pass/1', 'acme').expect(418);
  });

  it('serves several registrations, each with a tenant of its own', async () => {
    @Controller('both')
    @UseGuards(TokenGuard, TenantGuard, getTenantGuard('analytics'))
    class BothController {
      constructor(
        private readonly tenants: TenantContext,
        @InjectPrismiq(TenantContext, 'analytics') private readonly others: TenantContext,
      ) {}
      @Get()
      both(@CurrentTenant() first: Tenant, @CurrentTenant('analytics') second: Tenant) {
        return [first, second, this.tenants.current(), this.others.current()].map((tenant) => tenant?.tenantId);
      }
    }
    await start({
      imports: [
        ormModule(database),
        ormModule(database, { contextName: 'analytics' }),
        PrismiqModule.forRoot(options),
        PrismiqModule.forRoot({
          ...options,
          contextName: 'analytics',
          resolver: () => ({ tenantId: 'globex' }),
        }),
      ],
      controllers: [BothController],
      providers: [],
    });
    await get('/both', 'acme').expect(200, ['acme', 'globex', 'acme', 'globex']);
  });

  it('refuses if it is too late to bind the EntityManager of a transaction; the interceptor does not', async () => {
    @Controller('late')
    class LateController {
      constructor(private readonly em: EntityManager) {}

      @Get('guard')
      @UseGuards(TenantGuard)
      guarded() {
        return { schema: this.em.schema };
      }

      @Get('interceptor')
      @UseInterceptors(TenantInterceptor)
      intercepted() {
        return { schema: this.em.schema };
      }
    }
    await start(
      {
        imports: [ormModule(database), PrismiqModule.forRoot({ ...options, bindEntityManager: true })],
        providers: [{ provide: APP_GUARD, useClass: TokenGuard }],
        controllers: [LateController],
      },
      (host) => {
        const em = host.get(EntityManager);
        // A host that has one transaction around each request.
        host.use((_request: unknown, response: ServerResponse, next: () => void) => {
          void em.fork().transactional(async () => {
            const closed = once(response, 'close');
            next();
            await closed;
          });
        });
      },
    );
    await get('/late/guard', 'acme').expect(400);
    await get('/late/interceptor', 'acme').expect(200, { schema: 'tenant_acme' });
  });
});
