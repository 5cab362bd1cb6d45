import {
  Controller,
  Get,
  Header,
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  type INestApplication,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import {
  DashboardRepository,
  ensureTables,
  InjectTenantSchema,
  InvalidTenantIdError,
  InvalidUserIdError,
  PrismiqModule,
  TenantContext,
  TenantInterceptor,
  TenantNotFoundError,
  TenantNotProvisionedError,
  TenantOutdatedError,
  TenantRequiredError,
  TenantResolver,
  TenantSchema,
  tenantsFromCatalog,
  tenantsFromList,
  type PrismiqModuleOptions,
  type TenantIdentity,
} from '@prismiq/nestjs';
import type { ExecutionContext } from '@nestjs/common';
import { map, reduce, take, timer } from 'rxjs';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from './support/host.js';

describe('tenancy', () => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const schema of ['tenant_acme', 'tenant_globex', 'everybody']) {
      await ensureTables(database.pool, { schema, createSchema: true });
    }
  });
  afterEach(async () => {
    await app?.close();
  });
  afterAll(() => database.close());

  const start = async (options: PrismiqModuleOptions = {}) => {
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver, ...options })] });
    return { context: app.get(TenantContext), dashboards: app.get(DashboardRepository) };
  };

  describe('TenantContext.runInTenant', () => {
    it('gives the tenant to everything awaited inside, and to nothing outside', async () => {
      const { context } = await start();
      const later = () => new Promise((resolve) => setTimeout(() => resolve(context.current()), 5));
      const acme = { tenantId: 'acme', schema: 'tenant_acme', userId: undefined, isAdmin: false };
      await context.runInTenant('acme', async () => {
        expect(context.require()).toEqual(acme);
        expect(await later()).toEqual(acme);
        expect(Object.isFrozen(context.require())).toBe(true);
      });
      expect(context.current()).toBeUndefined();
      expect(() => context.require()).toThrow(TenantRequiredError);
    });

    it('returns what fn returns, unwinds when it throws, and nests', async () => {
      const { context } = await start();
      expect(await context.runInTenant('acme', () => 42)).toBe(42);
      const failure = context.runInTenant('acme', () => {
        throw new Error('inside');
      });
      await expect(failure).rejects.toThrow('inside');
      expect(context.current()).toBeUndefined();
      await context.runInTenant('acme', async () => {
        await context.runInTenant({ tenantId: 'globex', userId: 'gus', isAdmin: true }, () =>
          expect(context.require()).toEqual({
            tenantId: 'globex',
            schema: 'tenant_globex',
            userId: 'gus',
            isAdmin: true,
          }),
        );
        expect(context.require().tenantId).toBe('acme');
      });
    });

    it('separates tenants that run at the same time', async () => {
      const { context, dashboards } = await start();
      const tenants = ['acme', 'globex'].flatMap((tenant) =>
        Array.from({ length: 20 }, (_, i) => [tenant, `${tenant} ${i}`]),
      );
      await Promise.all(
        tenants.map(([tenantId, name]) =>
          context.runInTenant({ tenantId: tenantId!, userId: 'u' }, async () => {
            await dashboards.create({ name: name! });
            const seen = await dashboards.list();
            expect(seen.every((dashboard) => dashboard.name.startsWith(tenantId!))).toBe(true);
          }),
        ),
      );
      expect(await database.query('SELECT 1 FROM tenant_acme.prismiq_dashboards')).toHaveLength(20);
      await database.query('DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_globex.prismiq_dashboards');
    });

    it.each<[string, unknown]>([
      ['empty', ''],
      ['of characters that no schema name has', 'acme"; DROP SCHEMA public; --'],
      ['with a trailing newline', 'acme\n'],
      ['with U+0000', 'acme\u0000'],
      ['too long for a schema', 'a'.repeat(57)],
      ['too long for the column', 'a'.repeat(256)],
      ['of look-alikes', 'асme'],
      ['no string', 7],
      ['a prototype key', '__proto__.x'],
      ['nothing', undefined],
    ])('refuses a tenant id that is %s', async (_, tenantId) => {
      const { context } = await start();
      const use = context.runInTenant({ tenantId } as TenantIdentity, () => 'ran');
      await expect(use).rejects.toThrow(InvalidTenantIdError);
      expect(() => context.deriveSchema(tenantId as string)).toThrow(InvalidTenantIdError);
    });

    it.each([7, '', null, 'ada\ud800'])('refuses the user id %j, and says what to do', async (userId) => {
      const { context } = await start();
      const use = context.runInTenant({ tenantId: 'acme', userId } as TenantIdentity, () => 'ran');
      await expect(use).rejects.toThrow(InvalidUserIdError);
      await expect(use).rejects.toThrow(/^Invalid user id: .*undefined for no user/);
    });

    it('explains how to use ids of another form, with working code', async () => {
      const id = '0b4c2f6e-5d51-4a57-9a3f-0a4b1f6f8a11';
      const { context } = await start();
      const error = await context.runInTenant(id, () => 1).catch((thrown: Error) => thrown.message);
      await app.close();
      const [, proposal] = /For UUIDs: (\{.*\})\.$/.exec(String(error))!;
      const options = new Function('tenantsFromCatalog', `return ${proposal}`)(tenantsFromCatalog);
      const own = await start(options as PrismiqModuleOptions);
      const schema = own.context.deriveSchema(id);
      await ensureTables(database.pool, { schema, createSchema: true });
      const seen: string[] = [];
      await own.context.forEachTenant(({ tenantId }) => seen.push(tenantId));
      expect(seen).toContain(id);
      expect(await own.context.runInTenant(id, () => own.context.require())).toMatchObject({ tenantId: id, schema });
      await expect(own.context.runInTenant(id.replaceAll('-', '_'), () => 1)).rejects.toThrow(TenantNotFoundError);
    });
  });

  it('distinguishes a tenant without tables from one with old tables', async () => {
    const { context, dashboards } = await start({ directory: tenantsFromList(['nobody', 'old']) });
    const list = () => context.runInTenant('nobody', () => dashboards.list());
    await expect(list()).rejects.toThrow(TenantNotProvisionedError);
    await expect(list()).rejects.toMatchObject({ tenantId: 'nobody', schema: 'tenant_nobody', sqlState: '42P01' });
    await ensureTables(database.pool, { schema: 'tenant_old', createSchema: true });
    await database.query('ALTER TABLE tenant_old.prismiq_dashboards DROP COLUMN version');
    await expect(context.runInTenant('old', () => dashboards.list())).rejects.toThrow(TenantOutdatedError);
  });

  it('isolates by tenant_id alone where all tenants share a schema', async () => {
    const { context, dashboards } = await start({ schemaFor: () => 'everybody' });
    const as = <T>(tenantId: string, work: () => Promise<T>) => context.runInTenant({ tenantId, isAdmin: true }, work);
    const { id } = await as('acme', () => dashboards.create({ name: 'Sales', isPublic: true }));
    await as('globex', () => dashboards.create({ name: 'Sales', isPublic: true }));
    expect(await as('globex', () => dashboards.list())).toHaveLength(1);
    await expect(as('globex', () => dashboards.get(id))).rejects.toThrow('Dashboard not found');
    await expect(as('globex', () => dashboards.update(id, { name: 'Mine' }))).rejects.toThrow('Dashboard not found');
    await expect(as('globex', () => dashboards.updateLayout(id, []))).rejects.toThrow('Dashboard not found');
    await expect(as('globex', () => dashboards.delete(id))).rejects.toThrow('Dashboard not found');
    expect((await as('acme', () => dashboards.get(id))).version).toBe(1);
  });

  describe.each(PLATFORMS)('of a request, on %s', (platform) => {
    let resolutions = 0;

    class CountingResolver extends TenantResolver {
      override async resolve(context: ExecutionContext) {
        resolutions += 1;
        return resolver(context);
      }
    }

    @Controller('host')
    @UseInterceptors(TenantInterceptor)
    class HostController {
      constructor(
        readonly dashboards: DashboardRepository,
        readonly context: TenantContext,
      ) {}

      @Get('tenant')
      tenant() {
        return { tenant: this.context.current() ?? null };
      }

      @Get('dashboards')
      list() {
        return this.dashboards.list();
      }

      /** An answer whose parts are created after the handler has returned. */
      @Get('stream')
      @Header('Content-Type', 'text/plain')
      stream() {
        return timer(0, 5).pipe(
          take(3),
          map(() => this.context.current()?.tenantId ?? 'none'),
          reduce((text, tenant) => `${text} ${tenant}`),
        );
      }
    }

    @Injectable({ scope: Scope.REQUEST })
    class RawSql {
      constructor(@InjectTenantSchema() readonly schema: TenantSchema) {}
    }

    @Controller('scoped')
    @UseInterceptors(TenantInterceptor)
    class ScopedController {
      constructor(
        readonly sql: RawSql,
        readonly context: TenantContext,
      ) {}

      @Get()
      async schema() {
        const inner = await this.context.runInTenant('globex', () => this.sql.schema.name);
        return { schema: this.sql.schema.name, text: `${this.sql.schema}`, inner };
      }
    }

    beforeEach(async () => {
      resolutions = 0;
      app = await boot(
        {
          imports: [
            ormModule(database),
            PrismiqModule.forRoot({ resolver: new CountingResolver(), controllers: true, isGlobal: true }),
          ],
          controllers: [HostController, ScopedController],
          providers: [
            RawSql,
            { provide: APP_GUARD, useClass: TokenGuard },
            { provide: APP_INTERCEPTOR, useExisting: TenantInterceptor },
          ],
        },
        platform,
      );
    });

    const get = (path: string, authorization?: string) => {
      const sent = request(app.getHttpServer()).get(path);
      return authorization === undefined ? sent : sent.set('Authorization', authorization);
    };

    it('is resolved after the guards, and once, however often the interceptor is applied', async () => {
      const { body } = await get('/host/tenant', bearer('acme', 'ada')).expect(200);
      expect(body).toEqual({ tenant: { tenantId: 'acme', schema: 'tenant_acme', userId: 'ada', isAdmin: false } });
      expect(resolutions).toBe(1);
      await get('/prismiq/dashboards', bearer('acme', 'ada')).expect(200);
      expect(resolutions).toBe(2);
    });

    it('is there while an Observable continues', async () => {
      const { text } = await get('/host/stream', bearer('acme')).expect(200);
      expect(text).toBe('acme acme acme');
    });

    it('may be none: the route works, tenant-bound access does not', async () => {
      expect((await get('/host/tenant').expect(200)).body).toEqual({ tenant: null });
      expect(resolutions).toBe(1);
      expect((await get('/host/dashboards')).status).toBe(400);
      await get('/prismiq/dashboards').expect(400, {
        detail: 'The request belongs to no valid tenant',
        code: 'TENANT_REQUIRED',
      });
    });

    it('gives a request-scoped TenantSchema, which is that of the tenant in context', async () => {
      for (const tenant of ['acme', 'globex']) {
        const schema = `tenant_${tenant}`;
        await get('/scoped', bearer(tenant)).expect(200, { schema, text: schema, inner: 'tenant_globex' });
      }
    });

    it.each([
      ['X-Tenant-ID', 'globex'],
      ['X-Schema-Name', 'tenant_globex'],
      ['X-Schema-Name', 'public'],
      ['X-User-ID', 'bob'],
    ])('is refused when %s claims %s', async (header, value) => {
      await get('/host/tenant', bearer('acme', 'ada')).set(header, value).expect(403);
      const { body } = await get('/prismiq/dashboards', bearer('acme', 'ada')).set(header, value).expect(403);
      expect(body).toEqual({
        detail: `The ${header} header does not match the authenticated identity`,
        code: 'TENANT_MISMATCH',
      });
    });

    it('is taken when the headers agree', async () => {
      await get('/prismiq/dashboards', bearer('acme', 'ada'))
        .set('X-Tenant-ID', 'acme')
        .set('X-Schema-Name', 'tenant_acme')
        .set('X-User-ID', 'ada')
        .expect(200);
    });
  });

  it('needs no global registration: the interceptor on a controller of a module of its own is enough', async () => {
    @Controller('own')
    @UseGuards(TokenGuard)
    @UseInterceptors(TenantInterceptor)
    class OwnController {
      constructor(readonly dashboards: DashboardRepository) {}
      @Get()
      list() {
        return this.dashboards.list();
      }
    }
    app = await boot({
      imports: [ormModule(database), PrismiqModule.forRoot({ resolver })],
      controllers: [OwnController],
    });
    await request(app.getHttpServer()).get('/own').set('Authorization', bearer('acme')).expect(200, []);
  });
});
