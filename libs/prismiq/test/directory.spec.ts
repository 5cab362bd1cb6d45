import type { INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import {
  DashboardRepository,
  ensureTables,
  InvalidTenantIdError,
  PrismiqModule,
  TenantContext,
  TenantDirectoryError,
  TenantNotFoundError,
  TenantRegistry,
  TenantSuspendedError,
  tenantsFromCatalog,
  tenantsFromList,
  tenantsFromQuery,
  type PrismiqModuleOptions,
  type TenantEntry,
} from '@prismiq/nestjs';
import request from 'supertest';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, resolver, TokenGuard } from './support/host.js';

describe('the tenant directory', () => {
  let database: TestDatabase;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const schema of ['tenant_acme', 'tenant_globex', 'everybody']) {
      await ensureTables(database.pool, { schema, createSchema: true });
    }
    await database.query('CREATE SCHEMA tenant_bare; CREATE SCHEMA other; CREATE TABLE tenant_bare.orders (id int)');
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => database.close());

  const start = async (options: PrismiqModuleOptions = {}, pool = { min: 0, max: 10 }) => {
    app = await boot({
      imports: [
        ormModule(database, { pool }),
        PrismiqModule.forRoot({ resolver, controllers: { guards: [TokenGuard] }, ...options }),
      ],
    });
    return { registry: app.get(TenantRegistry), tenants: app.get(TenantContext), app };
  };

  const listed = async (registry: TenantRegistry) => {
    const records = [];
    for await (const record of registry.list()) {
      records.push(record);
    }
    return records;
  };

  /** Counts what it is asked, and answers with what the test says now. */
  const directory = (answer: (tenantId: string) => TenantEntry | undefined | Promise<TenantEntry | undefined>) => {
    const asked: string[] = [];
    const find = (tenantId: string) => {
      asked.push(tenantId);
      return answer(tenantId);
    };
    return { find, list: () => [] as TenantEntry[], asked };
  };

  const get = (tenantId: string) =>
    request(app!.getHttpServer()).get('/prismiq/dashboards').set('Authorization', bearer(tenantId, 'ada'));

  describe('from the catalog, the default', () => {
    it('knows the schemas that hold Prismiq tables', async () => {
      const { registry, tenants } = await start();
      const acme = { tenantId: 'acme', schema: 'tenant_acme', state: 'active', ring: undefined, tags: [] };
      expect(await registry.find('acme')).toEqual(acme);
      expect(Object.isFrozen(await registry.find('acme'))).toBe(true);
      expect(await registry.find('bare')).toBeUndefined();
      expect(await registry.find('nobody')).toBeUndefined();
      expect((await listed(registry)).map(({ tenantId }) => tenantId)).toEqual(['acme', 'globex']);
      await expect(tenants.runInTenant('bare', () => 1)).rejects.toThrow(TenantNotFoundError);
      await get('bare').expect(404, { detail: 'Unknown tenant', code: 'TENANT_NOT_FOUND' });
      await get('acme').expect(200);
    });

    it('inverts schemaFor, or uses the given inverse', async () => {
      await ensureTables(database.pool, { schema: 'org_a_1_data', createSchema: true });
      const suffixed = await start({ schemaFor: (tenantId) => `org_${tenantId}_data` });
      expect((await listed(suffixed.registry)).map(({ tenantId }) => tenantId)).toEqual(['a_1']);
      await app!.close();
      const schemaFor = (tenantId: string) => `org_${tenantId.replaceAll('-', '_')}_data`;
      const told = await start({
        schemaFor,
        directory: tenantsFromCatalog({
          tenantIdFor: (schema) => /^org_(.*)_data$/.exec(schema)?.[1]?.replaceAll('_', '-'),
        }),
      });
      expect(await listed(told.registry)).toMatchObject([{ tenantId: 'a-1', schema: 'org_a_1_data' }]);
      expect(await told.registry.find('a-1')).toMatchObject({ schema: 'org_a_1_data' });
      // An id that would give the same schema is no tenant.
      expect(await told.registry.find('a_1')).toBeUndefined();
    });

    it.each([
      ['some tenants share a schema', (id: string) => `t_${id.length}`],
      ['all tenants share a schema', () => 'everybody'],
    ])('says what to do where %s, and is asked to list them', async (_, schemaFor) => {
      const { registry } = await start({ schemaFor });
      await expect(listed(registry)).rejects.toThrow(TenantDirectoryError);
      await expect(listed(registry)).rejects.toThrow(/tenantsFromCatalog\({ tenantIdFor/);
    });

    it('finds a tenant that is signing up in the transaction that creates it, and forgets it after a rollback', async () => {
      // One connection: a look-up on another one would wait for ever.
      const { registry, tenants } = await start({}, { min: 0, max: 1 });
      const { em } = app!.get(MikroORM);
      expect(await registry.find('initech')).toBeUndefined();
      const signUp = em.fork().transactional(async (em) => {
        await ensureTables(em, { schema: 'tenant_initech', createSchema: true });
        await tenants.runInTenant({ tenantId: 'initech', userId: 'ivy' }, () =>
          app!.get(DashboardRepository).create({ name: 'First' }),
        );
        throw new Error('changed its mind');
      });
      await expect(signUp).rejects.toThrow('changed its mind');
      expect(await registry.find('initech')).toBeUndefined();
    });
  });

  describe('from a list', () => {
    it('knows ids and entries, and whether a tenant is suspended', async () => {
      const { registry, tenants } = await start({
        directory: tenantsFromList([
          'acme',
          { tenantId: 'globex', state: 'suspended', ring: 'canary', tags: ['eu'] },
          { tenantId: 'umbrella', schema: 'everybody' },
        ]),
      });
      expect(await listed(registry)).toEqual([
        { tenantId: 'acme', schema: 'tenant_acme', state: 'active', ring: undefined, tags: [] },
        { tenantId: 'globex', schema: 'tenant_globex', state: 'suspended', ring: 'canary', tags: ['eu'] },
        { tenantId: 'umbrella', schema: 'everybody', state: 'active', ring: undefined, tags: [] },
      ]);
      expect(await tenants.runInTenant('umbrella', () => tenants.require().schema)).toBe('everybody');
      await expect(tenants.runInTenant('globex', () => 1)).rejects.toThrow(TenantSuspendedError);
      await get('globex').expect(403, {
        detail: 'This tenant is suspended. Ask the provider of the application.',
        code: 'TENANT_SUSPENDED',
      });
      for (const nobody of ['initech', '__proto__', 'constructor']) {
        await get(nobody).expect(404);
      }
    });
  });

  describe('from a query', () => {
    beforeAll(() =>
      database.query(
        `CREATE TABLE public.customers (id text PRIMARY KEY, paid boolean NOT NULL, number int UNIQUE, uid uuid);
         INSERT INTO public.customers VALUES ('acme', true, 1, '0b4c2f6e-5d51-4a57-9a3f-0a4b1f6f8a11'), ('globex', false, 2, NULL);
         INSERT INTO public.customers SELECT 'c' || n, true, n + 10, NULL FROM generate_series(1, 2500) n`,
      ),
    );

    it('asks for one, and lists all of many', async () => {
      const { registry } = await start({
        directory: tenantsFromQuery(
          `SELECT id AS "tenantId", CASE WHEN paid THEN 'active' ELSE 'suspended' END AS state FROM public.customers -- all;`,
        ),
      });
      expect(await registry.find('globex')).toMatchObject({ tenantId: 'globex', state: 'suspended' });
      expect(await registry.find("x' OR '1'='1")).toBeUndefined();
      const ids = (await listed(registry)).map(({ tenantId }) => tenantId);
      expect([ids.length, new Set(ids).size]).toEqual([2502, 2502]);
    });

    it.each([
      ['numbers', 'number', '1', '01; DROP', 'tenant_1'],
      ['uuids', 'uid', '0b4c2f6e-5d51-4a57-9a3f-0a4b1f6f8a11', 'no uuid', 'u_0b4c2f6e_5d51_4a57_9a3f_0a4b1f6f8a11'],
    ])('takes %s for ids', async (_, column, id, wrong, schema) => {
      const { registry } = await start({
        schemaFor: (tenantId) => `${column === 'uid' ? 'u' : 'tenant'}_${tenantId.replaceAll('-', '_')}`,
        directory: tenantsFromQuery(`SELECT ${column} AS "tenantId" FROM public.customers WHERE ${column} IS NOT NULL`),
      });
      expect(await registry.find(id)).toMatchObject({ tenantId: id, schema });
      expect(await registry.find(wrong)).toBeUndefined();
      expect(await listed(registry)).toContainEqual(expect.objectContaining({ tenantId: id }));
    });

    it('refuses tags and rings that are not strings, such as arrays of an enum, which pg does not parse', async () => {
      const { registry } = await start({
        directory: tenantsFromQuery(`SELECT '{eu,us}' AS tags, NULL AS ring, 'acme' AS "tenantId"
          UNION SELECT NULL, 1::text, 'globex'`),
      });
      await expect(registry.find('acme')).rejects.toThrow(/an array of strings: cast them, as in .*tags::text\[\]/);
      expect(await registry.find('globex')).toMatchObject({ ring: '1', tags: [] });
    });

    it('leaves the transaction usable after a look-up of an impossible id', async () => {
      const { tenants } = await start({
        directory: tenantsFromQuery('SELECT uid AS "tenantId" FROM public.customers'),
      });
      await app!.get(MikroORM).em.transactional(async (em) => {
        await expect(tenants.runInTenant('no uuid', () => 1)).rejects.toThrow(TenantNotFoundError);
        expect(await em.execute('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      });
    });

    it('reports why PostgreSQL refused it', async () => {
      const { tenants, registry } = await start({ directory: tenantsFromQuery('SELECT id FROM public.customers') });
      await expect(tenants.runInTenant('acme', () => 1)).rejects.toThrow(/could not be asked: column "tenantId"/);
      await expect(listed(registry)).rejects.toThrow(/failed to list the tenants: column "tenantId"/);
    });
  });

  describe("of the host's own", () => {
    it.each([
      ['fails', () => Promise.reject(new Error('connect ECONNREFUSED secret-host'))],
      ['never answers', () => new Promise<undefined>(() => undefined)],
      ['answers with an unknown state', () => ({ tenantId: 'acme', state: 'deleted' }) as unknown as TenantEntry],
      ['answers with a schema that is none', () => ({ tenantId: 'acme', schema: 'a"; DROP SCHEMA x' })],
    ])('that %s is 503, and nobody is assumed to exist', async (_, answer) => {
      const { tenants } = await start({ directory: directory(answer), directoryCache: { timeoutMs: 50 } });
      await expect(tenants.runInTenant('acme', () => 1)).rejects.toThrow(TenantDirectoryError);
      const { body } = await get('acme').expect(503);
      expect(body).toEqual({ detail: 'The service is not available at the moment', request_id: expect.any(String) });
    });

    it('may list unusable entries, which hide no other tenant', async () => {
      const entries = [
        { tenantId: 'acme' },
        { tenantId: 'big-corp', ring: 'canary', tags: ['eu'] },
        { tenantId: '', schema: 'tenant_acme' },
        { tenantId: 7 },
        null,
        { tenantId: 'quoted', schema: 'a"b' },
        { tenantId: 'deleted', state: 'deleted' },
        { tenantId: 'tagged', ring: 1, tags: '{eu,us}' },
        { tenantId: 'globex' },
      ] as unknown as TenantEntry[];
      const { registry } = await start({ directory: { find: () => undefined, list: () => entries } });
      const all = await listed(registry);
      expect(all.map(({ tenantId, schema, state }) => [tenantId, schema, state])).toEqual([
        ['acme', 'tenant_acme', 'active'],
        ['big-corp', 'tenant_big-corp', 'invalid'],
        ['', 'tenant_acme', 'invalid'],
        ['7', 'tenant_7', 'invalid'],
        ['', 'tenant_', 'invalid'],
        ['quoted', 'a"b', 'invalid'],
        ['deleted', 'tenant_deleted', 'invalid'],
        ['tagged', 'tenant_tagged', 'invalid'],
        ['globex', 'tenant_globex', 'active'],
      ]);
      expect(all[1]).toMatchObject({ ring: 'canary', tags: ['eu'], error: expect.any(InvalidTenantIdError) });
      expect(all[7]).toMatchObject({ ring: undefined, tags: [], error: expect.any(TenantDirectoryError) });
      expect(all.every((tenant) => Object.isFrozen(tenant))).toBe(true);
    });

    it('that returns another tenant has found none', async () => {
      const { registry } = await start({ directory: directory(() => ({ tenantId: 'acme' })) });
      expect(await registry.find('ACME')).toBeUndefined();
    });

    it('is not asked for an impossible id', async () => {
      const source = directory(() => undefined);
      const { registry, tenants } = await start({ directory: source });
      for (const id of ['', 'a\u0000b', 'a\ud800', 'x'.repeat(256)]) {
        await expect(tenants.runInTenant(id, () => 1)).rejects.toThrow(InvalidTenantIdError);
        expect(await registry.find(id)).toBeUndefined();
      }
      expect(source.asked).toEqual([]);
    });
  });

  describe('with cached answers', () => {
    it('is asked once by 1,000 first look-ups at the same time', async () => {
      const source = directory(() => new Promise((resolve) => setTimeout(() => resolve({ tenantId: 'acme' }), 20)));
      const { tenants } = await start({ directory: source });
      const ids = await Promise.all(
        Array.from({ length: 1000 }, () => tenants.runInTenant('acme', () => tenants.require().tenantId)),
      );
      expect([ids.length, new Set(ids)]).toEqual([1000, new Set(['acme'])]);
      expect(source.asked).toEqual(['acme']);
    });

    it('is asked again after a failure, which all waiting callers get', async () => {
      let broken = true;
      const source = directory(() => (broken ? Promise.reject(new Error('down')) : { tenantId: 'acme' }));
      const { registry } = await start({ directory: source });
      const answers = await Promise.allSettled([registry.find('acme'), registry.find('acme')]);
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      broken = false;
      expect(await registry.find('acme')).toBeDefined();
      expect(source.asked).toHaveLength(2);
    });

    it('forgets at once what is invalidated, also while it is being looked up', async () => {
      let state: 'active' | 'suspended' = 'active';
      const source = directory(async () => {
        const answer = { tenantId: 'acme', state };
        await new Promise((resolve) => setTimeout(resolve, 20));
        return answer;
      });
      const { registry, tenants } = await start({ directory: source });
      const early = registry.find('acme');
      state = 'suspended';
      registry.invalidate('acme');
      await expect(tenants.runInTenant('acme', () => 1)).rejects.toThrow(TenantSuspendedError);
      expect(await early).toMatchObject({ state: 'active' });
      await expect(tenants.runInTenant('acme', () => 1)).rejects.toThrow(TenantSuspendedError);
      state = 'active';
      registry.invalidate();
      expect(await tenants.runInTenant('acme', () => 'ran')).toBe('ran');
    });

    it('keeps a limited number: those that were used last', async () => {
      const source = directory((tenantId) => ({ tenantId }));
      const { registry } = await start({ directory: source, directoryCache: { maxEntries: 2 } });
      for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) {
        await registry.find(id);
      }
      expect(source.asked).toEqual(['a', 'b', 'c', 'b']);
    });

    it('never serves an answer that is older than allowed, in any order of events', async () => {
      const ttlMs = 100;
      const negativeTtlMs = 30;
      const { registry } = await start({ directoryCache: { ttlMs, negativeTtlMs, maxEntries: 3 } });
      const step = fc.oneof(
        fc.record({ kind: fc.constant('find' as const), id: fc.constantFrom('a', 'b', 'c', 'd') }),
        fc.record({
          kind: fc.constant('set' as const),
          id: fc.constantFrom('a', 'b', 'c', 'd'),
          state: fc.constantFrom('active' as const, 'suspended' as const, undefined),
        }),
        fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ kind: fc.constant('invalidate' as const), id: fc.constantFrom('a', undefined) }),
      );
      jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
            const states = new Map<string, 'active' | 'suspended'>();
            /** All states that a tenant has had, and until when it had them. */
            const history: { id: string; state: string | undefined; until: number }[] = [];
            const invalidated = new Map<string, number>();
            const tenants = new (registry.constructor as new (...args: unknown[]) => TenantRegistry)(
              {
                find: async (tenantId: string) =>
                  states.has(tenantId) ? { tenantId, state: states.get(tenantId) } : undefined,
                list: () => [],
              },
              {
                ttlMs,
                negativeTtlMs,
                maxEntries: 3,
                timeoutMs: 1000,
                schemaFor: () => 's',
                isInTransaction: () => false,
              },
            );
            for (const action of steps) {
              if (action.kind === 'wait') {
                jest.advanceTimersByTime(action.ms);
              } else if (action.kind === 'invalidate') {
                tenants.invalidate(action.id);
                for (const id of action.id === undefined ? ['a', 'b', 'c', 'd'] : [action.id]) {
                  invalidated.set(id, performance.now());
                }
              } else if (action.kind === 'set') {
                history.push({ id: action.id, state: states.get(action.id), until: performance.now() });
                if (action.state === undefined) {
                  states.delete(action.id);
                } else {
                  states.set(action.id, action.state);
                }
              } else {
                const state = (await tenants.find(action.id))?.state;
                const oldest = Math.max(
                  performance.now() - (state === undefined ? negativeTtlMs : ttlMs),
                  invalidated.get(action.id) ?? -Infinity,
                );
                const allowed = [
                  states.get(action.id),
                  ...history.filter(({ id, until }) => id === action.id && until >= oldest).map((past) => past.state),
                ];
                expect(allowed).toContain(state);
              }
            }
          }),
          { numRuns: 300 },
        );
      } finally {
        jest.useRealTimers();
      }
    });
  });

  it.each([
    ['directory', { directory: 'acme' }],
    ['directory', { directory: { find: () => undefined } }],
    ['directory', { directory: class Directory {} }],
    ['directoryCache.ttlMs', { directoryCache: { ttlMs: -1 } }],
    ['directoryCache.ttl', { directoryCache: { ttl: 5 } }],
    ['bindEntityManager', { bindEntityManager: 'yes' }],
  ])('refuses a wrong option: %s', (option, options) => {
    expect(() => PrismiqModule.forRoot(options as never)).toThrow(`option \`${option}\``);
  });
});
