import { stat } from 'node:fs/promises';
import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, UseGuards, UseInterceptors, type INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import fc from 'fast-check';
import {
  allAgree,
  CurrentTenant,
  DashboardRepository,
  ensureTables,
  firstOf,
  fromHeader,
  fromParam,
  fromSubdomain,
  fromUser,
  PrismiqModule,
  TenantInterceptor,
  TenantResolver,
  tenantsFromQuery,
  type ResolveTenant,
  type Tenant,
} from '@prismiq/nestjs';
import { schemaNames } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, TokenGuard } from './support/host.js';

@Controller()
@UseGuards(TokenGuard)
@UseInterceptors(TenantInterceptor)
class TenantController {
  constructor(readonly dashboards: DashboardRepository) {}

  @Get('open')
  open() {
    return { open: true };
  }

  @Get(['whose', 'tenants/:tenantId/whose'])
  whose(@CurrentTenant() { tenantId, userId, isAdmin }: Tenant) {
    return { tenantId, userId, isAdmin };
  }

  @Get('dashboards')
  list() {
    return this.dashboards.list();
  }
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

// An untyped user may have any member, by name or by function.
const user = fromUser({ tenantId: 'tenantId', userId: 'userId', isAdmin: ({ isAdmin }) => isAdmin });

describe.each(PLATFORMS)('resolvers, on %s', (platform) => {
  let database: TestDatabase;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const schema of ['tenant_acme', 'tenant_globex', 'tenant_4711']) {
      await ensureTables(database.pool, { schema, createSchema: true });
    }
    await database.query(
      `CREATE TABLE public.customers AS SELECT unnest(ARRAY['acme', 'globex', '4711']) AS id, 'everybody'::text AS schema`,
    );
    await ensureTables(database.pool, { schema: 'everybody', createSchema: true });
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => database.close());

  const start = async (resolver: ResolveTenant | TenantResolver, options = {}) => {
    app = await boot(
      {
        imports: [ormModule(database), PrismiqModule.forRoot({ resolver, ...options })],
        controllers: [TenantController],
      },
      platform,
    );
  };

  /** By Node itself, which sends headers unchanged, even twice. */
  const get = (path: string, headers: Record<string, string | string[]> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { port } = app!.getHttpServer().address() as AddressInfo;
      const sent = send({ host: '127.0.0.1', port, path, headers: { Connection: 'close', ...headers } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({ status: response.statusCode!, body: isJson ? JSON.parse(text) : {} });
        });
      });
      sent.on('error', reject).end();
    });

  const as = (tenantId: string, userId?: string, isAdmin?: boolean) => ({
    Authorization: bearer(tenantId, userId, isAdmin),
  });
  const mismatch = (source: string) => ({
    status: 403,
    body: expect.objectContaining({ message: `The ${source} does not match the authenticated identity` }),
  });
  const tenantAnswer = (tenantId: string) => ({ status: 200, body: expect.objectContaining({ tenantId }) });
  const noTenant = expect.objectContaining({ status: 400 });

  it('fromUser takes claims by name or by function, and numbers as texts', async () => {
    await start(user);
    expect(await get('/whose', as('acme', 'ada', true))).toEqual({
      status: 200,
      body: { tenantId: 'acme', userId: 'ada', isAdmin: true },
    });
    expect((await get('/whose', as('acme'))).body).toEqual({ tenantId: 'acme', isAdmin: false });
    expect(await get('/open')).toEqual({ status: 200, body: { open: true } });
    expect(await get('/whose')).toEqual(noTenant);
    await app!.close();
    await start(
      fromUser<{ tenantId: string; userId: string }>({
        tenantId: ({ tenantId }) => Number(tenantId),
        userId: ({ userId }) => userId.length,
        isAdmin: () => 'yes' as unknown as boolean,
      }),
    );
    expect((await get('/whose', as('4711', 'ada'))).body).toEqual({ tenantId: '4711', userId: '3', isAdmin: false });
  });

  it('fromUser returns no tenant for a user without one, and refuses values that are not strings', async () => {
    await start(fromUser({ tenantId: 'organisation' }));
    expect(await get('/whose', as('acme', 'ada'))).toEqual(noTenant);
    await app!.close();
    await start(fromUser({ tenantId: () => ['acme'] as never }));
    expect(await get('/whose', as('acme', 'ada'))).toEqual({
      status: 400,
      body: expect.objectContaining({ message: expect.any(String) }),
    });
  });

  it('waits for promises of any library', async () => {
    // What Node itself returns is, in the sandbox of a test runner, no instance of its `Promise`.
    const foreign = stat('.');
    expect(foreign).not.toBeInstanceOf(Promise);
    await start(() => foreign.then(() => ({ tenantId: 'acme' })));
    expect(await get('/whose')).toEqual(tenantAnswer('acme'));
  });

  it('fromHeader takes the header that a gateway sets, and refuses two that differ', async () => {
    await start(fromHeader('X-Org'));
    expect(await get('/whose', { 'x-org': 'acme' })).toEqual(tenantAnswer('acme'));
    expect(await get('/whose', { 'x-org': ['acme', 'acme'] })).toEqual(tenantAnswer('acme'));
    expect(await get('/whose', { 'x-org': ['acme', 'globex'] })).toEqual(
      mismatch('X-Org header, which was sent more than once,'),
    );
    expect(await get('/whose', { 'x-org': '' })).toEqual(noTenant);
    expect(await get('/whose')).toEqual(noTenant);
  });

  it('fromSubdomain takes one label below the base domain', async () => {
    await start(fromSubdomain('Example.com', { except: ['www', 'Globex'] }));
    for (const host of ['acme.example.com', 'ACME.EXAMPLE.COM', 'acme.example.com:8080', 'acme.example.com.']) {
      expect([host, await get('/whose', { host })]).toEqual([host, tenantAnswer('acme')]);
    }
    for (const host of [
      'example.com',
      'www.example.com',
      'globex.example.com',
      'a.acme.example.com',
      'acme.example.com.evil.com',
      'acmeexample.com',
      'acme.example.org',
      '127.0.0.1',
      '.example.com',
      'ac%6De.example.com',
    ]) {
      expect([host, (await get('/whose', { host })).status]).toEqual([host, 400]);
    }
    // A forwarded host counts only where the host application trusts its proxy.
    const forwarded = { host: 'example.com', 'x-forwarded-host': 'acme.example.com' };
    expect(await get('/whose', forwarded)).toEqual(noTenant);
    if (platform === 'express') {
      (app as NestExpressApplication).set('trust proxy', true);
      expect(await get('/whose', forwarded)).toEqual(tenantAnswer('acme'));
    }
  });

  it('fromParam takes a route parameter', async () => {
    await start(allAgree(user, fromParam('tenantId')));
    expect(await get('/tenants/acme/whose', as('acme', 'ada'))).toEqual(tenantAnswer('acme'));
    expect(await get('/tenants/globex/whose', as('acme', 'ada'))).toEqual(mismatch('tenant that the request names'));
    expect(await get('/whose', as('acme', 'ada'))).toEqual(noTenant);
  });

  it('firstOf takes the first that returns a tenant', async () => {
    class Never extends TenantResolver {
      override resolve = async () => null;
    }
    await start(firstOf(new Never(), user, fromHeader('x-org')));
    expect(await get('/whose', { ...as('acme', 'ada'), 'x-org': 'globex' })).toEqual(tenantAnswer('acme'));
    expect(await get('/whose', { 'x-org': 'globex' })).toEqual(tenantAnswer('globex'));
    expect(await get('/whose')).toEqual(noTenant);
  });

  it('allAgree refuses sources that disagree, and needs all of them', async () => {
    await start(allAgree(user, fromHeader('x-org'), fromSubdomain('example.com')));
    const host = 'acme.example.com';
    expect(await get('/whose', { ...as('acme', 'ada'), 'x-org': 'acme', host })).toEqual(tenantAnswer('acme'));
    for (const headers of [
      { ...as('globex', 'ada'), 'x-org': 'acme', host },
      { ...as('acme', 'ada'), 'x-org': 'globex', host },
      { ...as('acme', 'ada'), 'x-org': 'acme', host: 'globex.example.com' },
    ]) {
      expect(await get('/whose', headers)).toEqual(mismatch('tenant that the request names'));
    }
    for (const headers of [{ 'x-org': 'acme', host }, { ...as('acme', 'ada'), host }, as('acme', 'ada')]) {
      expect(await get('/whose', headers as Record<string, string>)).toEqual(noTenant);
    }
  });

  it('allAgree takes user and admin from the first alone, and refuses another user', async () => {
    await start(allAgree(user, (context) => ({ ...user(context)!, isAdmin: true }), fromHeader('x-org')));
    expect((await get('/whose', { ...as('acme', 'ada'), 'x-org': 'acme' })).body).toMatchObject({ isAdmin: false });
    await app!.close();
    await start(allAgree(user, () => ({ tenantId: 'acme', userId: 'bob' })));
    expect(await get('/whose', as('acme', 'ada'))).toEqual(mismatch('user that the request names'));
  });

  describe.each([
    ['a schema for each tenant, by schemaFor', {}],
    [
      'one schema for all, by the directory',
      { directory: tenantsFromQuery('SELECT id AS "tenantId", schema FROM public.customers') },
    ],
  ])('with %s', (_, options) => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        `acme"; DROP SCHEMA tenant_globex CASCADE; --`,
        `acme' OR '1'='1`,
        'acme"."prismiq_dashboards',
        'acme\n',
        'acme\u0000',
        'acme%00',
        '%61cme',
        'аcme',
        'acme.',
        '../globex',
        'acme, globex',
        'public',
        'pg_catalog',
        'information_schema',
        'ACME',
        '__proto__',
        'constructor',
        'toString',
        '*',
        '$1',
        '',
        ' ',
        'x'.repeat(10_000),
      ),
    );

    /** A header holds Latin-1 without control characters; the rest a client cannot send. */
    const isSendable = (text: string) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && text === text.trim();

    it.each([
      ['header', fromHeader('x-org'), (text: string) => (isSendable(text) ? { 'x-org': text } : undefined)],
      ['encoded header', fromHeader('x-org'), (text: string) => ({ 'x-org': encodeURIComponent(text) })],
      [
        'host name',
        fromSubdomain('example.com'),
        (text: string) => (isSendable(text) ? { host: `${text}.example.com` } : undefined),
      ],
      ['token', user, (text: string) => as(text, 'ada', true)],
    ] as const)(
      'answers a hostile %s with a 4xx, and sends it nowhere but as a value',
      async (place, resolver, toHeaders) => {
        const statements: string[] = [];
        app = await boot(
          {
            imports: [
              ormModule(database, { onQuery: (sql) => (statements.push(sql), sql) }),
              PrismiqModule.forRoot({ resolver, ...options }),
            ],
            controllers: [TenantController],
          },
          platform,
        );
        const schemas = await schemaNames(database);
        /** The texts of all statements that a hostile id has caused. */
        const sent = new Set<string>();
        await fc.assert(
          fc.asyncProperty(
            hostile.filter((text) => text.isWellFormed()),
            async (text) => {
              const headers = toHeaders(text);
              if (headers === undefined || ['acme', 'globex', '4711'].includes(text)) {
                return;
              }
              statements.length = 0;
              // A host name is the same one in any case, and with the root's dot behind it.
              const isTheirs = place === 'host name' && /^(acme|globex|4711)$/i.test(text);
              const { status, body } = await get('/dashboards', headers);
              expect([isTheirs ? 200 : 4, text]).toEqual([isTheirs ? status : Math.floor(status / 100), text]);
              expect(JSON.stringify(body)).not.toMatch(/syntax error|SELECT |pg_namespace|prismiq_dashboards/);
              for (const sql of isTheirs ? [] : statements) {
                sent.add(sql);
              }
            },
          ),
          { numRuns: 300 },
        );
        // The look-up, which is the same text for every id, and nothing after it.
        expect([...sent]).toEqual([expect.stringMatching(/^SELECT .*(pg_catalog\.pg_namespace|public\.customers)/s)]);
        expect(await schemaNames(database)).toEqual(schemas);
      },
    );
  });
});
