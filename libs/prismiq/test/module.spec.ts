import {
  Controller,
  Get,
  Injectable,
  Module,
  UseGuards,
  UseInterceptors,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import {
  DashboardRepository,
  ensureTables,
  getPrismiqToken,
  getTenantInterceptor,
  InjectPrismiq,
  InvalidOptionsError,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  TenantSchema,
  WidgetRepository,
  type PrismiqAsyncValues,
  type PrismiqModuleOptions,
  type PrismiqOptionsFactory,
  type PrismiqStructure,
} from '@prismiq/nestjs';
import { MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';

@Injectable()
class OptionsService implements PrismiqOptionsFactory {
  createPrismiqOptions(): PrismiqAsyncValues {
    return { resolver };
  }
}

@Module({ providers: [OptionsService], exports: [OptionsService] })
class OptionsModule {}

const REGISTRATIONS: [string, (structure: PrismiqStructure) => DynamicModule][] = [
  ['forRoot', (structure) => PrismiqModule.forRoot({ ...structure, resolver })],
  [
    'forRootAsync with useFactory',
    (structure) =>
      PrismiqModule.forRootAsync({
        ...structure,
        imports: [OptionsModule],
        inject: [OptionsService],
        useFactory: async (options: OptionsService) => options.createPrismiqOptions(),
      }),
  ],
  ['forRootAsync with useClass', (structure) => PrismiqModule.forRootAsync({ ...structure, useClass: OptionsService })],
  [
    'forRootAsync with useExisting',
    (structure) => PrismiqModule.forRootAsync({ ...structure, imports: [OptionsModule], useExisting: OptionsService }),
  ],
];

describe('PrismiqModule', () => {
  let database: TestDatabase;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await database.query('DELETE FROM tenant_acme.prismiq_dashboards');
  });
  afterAll(() => database.close());

  const mine = { tenantId: 'acme', userId: 'ada' };
  const createAndList = async (token: (provider: typeof DashboardRepository | typeof TenantContext) => unknown) => {
    const context = app!.get<TenantContext>(token(TenantContext) as never, { strict: false });
    const dashboards = app!.get<DashboardRepository>(token(DashboardRepository) as never, { strict: false });
    await context.runInTenant(mine, () => dashboards.create({ name: 'Sales' }));
    return context.runInTenant(mine, () => dashboards.list());
  };

  describe.each(PLATFORMS)('on %s', (platform) => {
    describe.each(REGISTRATIONS)('registered by %s', (_, register) => {
      it('provides the repositories, and mounts nothing by default', async () => {
        app = await boot({ imports: [ormModule(database), register({})] }, platform);
        expect(await createAndList((provider) => provider)).toMatchObject([
          { name: 'Sales', ownerId: 'ada', version: 1 },
        ]);
        await request(app.getHttpServer()).get('/prismiq/dashboards').expect(404);
      });

      it('mounts the controllers when asked', async () => {
        app = await boot(
          { imports: [ormModule(database), register({ controllers: { guards: [TokenGuard] } })] },
          platform,
        );
        const answer = await request(app.getHttpServer())
          .post('/prismiq/dashboards')
          .set('Authorization', bearer('acme', 'ada'))
          .send({ name: 'Sales' })
          .expect(201);
        expect(answer.body).toMatchObject({ name: 'Sales', owner_id: 'ada', widgets: [] });
      });

      it('mounts them at a path, however it is written, behind the global prefix', async () => {
        for (const path of ['a/prismiq', '/a/prismiq/', 'a//prismiq']) {
          app = await boot(
            { imports: [ormModule(database), register({ controllers: { path, guards: [TokenGuard] } })] },
            platform,
            (host) => host.setGlobalPrefix('api'),
          );
          const get = (url: string) =>
            request(app!.getHttpServer()).get(url).set('Authorization', bearer('acme', 'ada'));
          await get('/api/a/prismiq/dashboards').expect(200, { dashboards: [] });
          await get('/api/a/prismiq/saved-queries').expect(200, { queries: [] });
          await get('/a/prismiq/dashboards').expect(404);
          await get('/api/prismiq/dashboards').expect(404);
          await app.close();
          app = undefined;
        }
      });

      it('mounts them at the root, behind a guard with dependencies of its own', async () => {
        @Injectable()
        class Gatekeeper {
          allows = (user: unknown) => user === 'ada';
        }
        @Module({ providers: [Gatekeeper], exports: [Gatekeeper] })
        class AuthModule {}
        @Injectable()
        class GatekeeperGuard extends TokenGuard {
          constructor(readonly gatekeeper: Gatekeeper) {
            super();
          }
          override canActivate(context: ExecutionContext) {
            super.canActivate(context);
            return this.gatekeeper.allows(context.switchToHttp().getRequest().user?.userId);
          }
        }
        const prismiq = PrismiqModule.forRoot({
          resolver,
          imports: [AuthModule],
          controllers: { path: '', guards: [GatekeeperGuard] },
        });
        app = await boot({ imports: [ormModule(database), prismiq] }, platform);
        const get = (user: string) =>
          request(app!.getHttpServer()).get('/dashboards').set('Authorization', bearer('acme', user));
        await get('ada').expect(200);
        await get('bob').expect(403, { detail: 'Forbidden resource' });
      });

      it('is seen by other modules only if global, imported by them, or exported again', async () => {
        @Injectable()
        class Reports {
          constructor(readonly dashboards: DashboardRepository) {}
        }
        @Module({ providers: [Reports] })
        class ReportsModule {}

        app = await boot({ imports: [ormModule(database), register({ isGlobal: true }), ReportsModule] }, platform);
        expect(app.get(Reports, { strict: false }).dashboards).toBeInstanceOf(DashboardRepository);
        await app.close();
        app = undefined;

        const prismiq = register({});
        @Module({ imports: [prismiq], providers: [Reports] })
        class ImportingModule {}
        @Module({ imports: [prismiq], exports: [prismiq] })
        class SharedModule {}
        @Module({ imports: [SharedModule], providers: [Reports] })
        class ThroughSharedModule {}
        for (const module of [ImportingModule, ThroughSharedModule]) {
          app = await boot({ imports: [ormModule(database), module] }, platform);
          expect(app.get(Reports, { strict: false }).dashboards).toBeInstanceOf(DashboardRepository);
          await app.close();
          app = undefined;
        }

        await expect(boot({ imports: [ormModule(database), register({}), ReportsModule] }, platform)).rejects.toThrow(
          /can't resolve dependencies of the Reports/,
        );
      });
    });

    it('serves two MikroORM instances side by side', async () => {
      const other = await TestDatabase.create();
      try {
        await ensureTables(other.pool, { schema: 'tenant_acme', createSchema: true });
        @Injectable()
        class Reports {
          constructor(
            @InjectPrismiq(DashboardRepository, 'main') readonly main: DashboardRepository,
            @InjectPrismiq(DashboardRepository, 'analytics') readonly analytics: DashboardRepository,
            @InjectPrismiq(TenantContext, 'analytics') readonly context: TenantContext,
          ) {}
        }
        app = await boot(
          {
            imports: [
              ormModule(database, { contextName: 'main' }),
              ormModule(other, { contextName: 'analytics' }),
              PrismiqModule.forRoot({
                contextName: 'main',
                resolver,
                controllers: { path: 'main', guards: [TokenGuard] },
              }),
              PrismiqModule.forRootAsync({
                contextName: 'analytics',
                controllers: { path: 'analytics', guards: [TokenGuard] },
                useFactory: () => ({ resolver }),
              }),
            ],
            providers: [Reports],
          },
          platform,
        );
        const send = (path: string) =>
          request(app!.getHttpServer()).post(path).set('Authorization', bearer('acme', 'ada'));
        await send('/main/dashboards').send({ name: 'In main' }).expect(201);
        await send('/analytics/dashboards').send({ name: 'In analytics' }).expect(201);
        expect(await createAndList((provider) => getPrismiqToken<unknown>(provider, 'analytics'))).toHaveLength(2);
        expect(await database.query('SELECT name FROM tenant_acme.prismiq_dashboards')).toEqual([{ name: 'In main' }]);
        const reports = app.get(Reports);
        await expect(reports.context.runInTenant('acme', () => reports.main.list())).rejects.toThrow(
          'No tenant in context',
        );
      } finally {
        await app?.close();
        app = undefined;
        await other.close();
      }
    });
  });

  it.each([
    ['after', 0],
    ['before', 1],
  ])('knows a named registration by its tokens alone: one that stands %s the unnamed', async (_, position) => {
    const other = await TestDatabase.create();
    try {
      await ensureTables(other.pool, { schema: 'tenant_acme', createSchema: true });
      @Controller('named')
      @UseGuards(TokenGuard)
      @UseInterceptors(getTenantInterceptor('named'))
      class NamedController {
        constructor(@InjectPrismiq(DashboardRepository, 'named') readonly dashboards: DashboardRepository) {}
        @Get()
        list() {
          return this.dashboards.list();
        }
      }
      const registrations = [PrismiqModule.forRoot({ contextName: 'named', resolver })];
      registrations.splice(position, 0, PrismiqModule.forRoot({ resolver }));
      app = await boot({
        imports: [
          MikroOrmModule.forRoot([
            { driver: PostgreSqlDriver, ...database.ormOptions(), registerRequestContext: false },
          ]),
          ormModule(other, { contextName: 'named' }),
          ...registrations,
        ].flat(),
        controllers: [NamedController],
      });
      await createAndList((provider) => provider);
      expect(await database.query('SELECT name FROM tenant_acme.prismiq_dashboards')).toHaveLength(1);
      expect(await other.query('SELECT name FROM tenant_acme.prismiq_dashboards')).toEqual([]);
      await request(app.getHttpServer()).get('/named').set('Authorization', bearer('acme', 'ada')).expect(200, []);
      await app.close();

      app = await boot({ imports: [ormModule(other, { contextName: 'named' }), registrations[1 - position]!] });
      expect(() => app!.get(DashboardRepository, { strict: false })).toThrow(/could not find DashboardRepository/);
    } finally {
      await app?.close();
      app = undefined;
      await other.close();
    }
  });

  it('registers the entities, whether or not the host lists them', async () => {
    const { PRISMIQ_ENTITIES, PrismiqDashboard } = await import('@prismiq/nestjs');
    for (const entities of [[], [...PRISMIQ_ENTITIES]]) {
      app = await boot({ imports: [ormModule(database, { entities }), PrismiqModule.forRoot({ resolver })] });
      await createAndList((provider) => provider);
      const em = app.get(MikroORM).em.fork();
      const [dashboard] = await em.find(PrismiqDashboard, { tenantId: 'acme' }, { schema: 'tenant_acme' });
      expect(dashboard).toMatchObject({ name: 'Sales', ownerId: 'ada', allowedViewers: [], version: 1 });
      await app.close();
      app = undefined;
      await database.query('DELETE FROM tenant_acme.prismiq_dashboards');
    }
  });

  it('does not make the service that injects a repository request-scoped', async () => {
    @Injectable()
    class Reports {
      constructor(
        readonly dashboards: DashboardRepository,
        readonly widgets: WidgetRepository,
        readonly queries: SavedQueryRepository,
        readonly context: TenantContext,
      ) {}
    }
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })], providers: [Reports] });
    // `get` refuses what is request-scoped.
    expect(app.get(Reports).dashboards).toBe(app.get(DashboardRepository));
    expect(() => app!.get(TenantSchema)).toThrow(/is marked as a scoped provider/);
  });

  describe('refuses options, naming the option and the solution', () => {
    it.each([undefined, null, 'options'])('%j', (options) => {
      expect(() => PrismiqModule.forRoot(options as never)).toThrow(/`forRoot` must be called with an object/);
      expect(() => PrismiqModule.forRootAsync(options as never)).toThrow(/`forRootAsync` must be called with/);
    });

    it('values that are next to the factory', () => {
      const options = { resolver, useFactory: () => ({}) } as never;
      expect(() => PrismiqModule.forRootAsync(options)).toThrow(/`resolver` must be returned by the factory/);
    });

    const start = (options: object) =>
      boot({ imports: [ormModule(database), PrismiqModule.forRoot(options as PrismiqModuleOptions)] });

    it.each([
      [{ controllers: true }, 'resolver', /`resolver` is missing.*switchToHttp/s],
      [{ resolver: 'header' }, 'resolver', /must be a function or a TenantResolver instance/],
      [
        {
          resolver: class {
            resolve = () => undefined;
          },
        },
        'resolver',
        /useFactory: \(resolver\) => \(\{ resolver \}\)/,
      ],
      [{ schemaFor: 'tenant_' }, 'schemaFor', /must be a function/],
      [{ controllers: 'api' }, 'controllers', /must be true, false, or an object/],
      [{ controllers: { path: 1 } }, 'controllers.path', /must be a string/],
      [{ controllers: { guard: [] } }, 'controllers.guard', /is unknown/],
      [{ controllers: { guards: TokenGuard } }, 'controllers.guards', /must be an array/],
      [{ controllers: { interceptors: [undefined] } }, 'controllers.interceptors', /must be an array/],
      [{ controllers: { decorators: ['x'] } }, 'controllers.decorators', /must be an array of class decorators/],
      [{ controllers: { include: ['pins'] } }, 'controllers.include', /must be an array of names, of dashboards/],
      [{ controllers: { version: 2 } }, 'controllers.version', /must be a string, VERSION_NEUTRAL/],
      [{ controllers: { version: [''] } }, 'controllers.version', /must be a string, VERSION_NEUTRAL/],
      [{ contextName: '' }, 'contextName', /must be the name/],
      [{ isGlobal: 'yes' }, 'isGlobal', /must be true or false/],
      [{ schema: 'x' }, 'schema', /is unknown\. Known are .*schemaFor/],
    ])('%j', (options, option, message) => {
      const use = () => PrismiqModule.forRoot(options as PrismiqModuleOptions);
      expect(use).toThrow(InvalidOptionsError);
      expect(use).toThrow(expect.objectContaining({ option, message: expect.stringMatching(message) }));
    });

    it('structure that comes from a factory', async () => {
      const values = { resolver, controllers: true } as unknown as PrismiqAsyncValues;
      await expect(
        boot({ imports: [ormModule(database), PrismiqModule.forRootAsync({ useFactory: () => values })] }),
      ).rejects.toThrow(/`controllers` cannot come from a factory.*next to the factory/);
      // @ts-expect-error The type says so, too.
      PrismiqModule.forRootAsync({ useFactory: () => ({ resolver, controllers: true }) });
    });

    it('no factory, or two', () => {
      expect(() => PrismiqModule.forRootAsync({} as never)).toThrow(/exactly one of them/);
      expect(() =>
        PrismiqModule.forRootAsync({ useClass: OptionsService, useExisting: OptionsService } as never),
      ).toThrow(/exactly one of them/);
    });

    it('a host without MikroORM, or without that instance', async () => {
      await expect(boot({ imports: [PrismiqModule.forRoot({})] })).rejects.toThrow(/Import MikroOrmModule\.forRoot/);
      await expect(start({ contextName: 'other' })).rejects.toThrow(/names no MikroORM instance.*contextName: 'other'/);
    });
  });
});
