import { Logger, type INestApplication } from '@nestjs/common';
import fc from 'fast-check';
import {
  DashboardRepository,
  ensureTables,
  InvalidTenantIdError,
  PrismiqModule,
  TenantContext,
  TenantDirectoryError,
  TenantListError,
  TenantLogger,
  TenantRequiredError,
  tenantsFromList,
  TenantTaskError,
  type PrismiqModuleOptions,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule } from './support/host.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('TenantContext', () => {
  let database: TestDatabase;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterEach(() => app.close());
  afterAll(() => database.close());

  const start = async (options: PrismiqModuleOptions = {}) => {
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot(options)] });
    return app.get(TenantContext);
  };
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`);

  describe('forEachTenant', () => {
    it('works for each active tenant in its own context, with limited concurrency', async () => {
      const tenants = await start({
        directory: tenantsFromList([...ids(20), { tenantId: 'late', state: 'suspended' }]),
      });
      const seen: string[] = [];
      let [now, most] = [0, 0];
      const result = await tenants.runInTenant('t7', () =>
        tenants.forEachTenant(
          async ({ tenantId }) => {
            most = Math.max(most, (now += 1));
            await pause(2);
            expect(tenants.require()).toMatchObject({ tenantId, schema: `tenant_${tenantId}`, isAdmin: false });
            seen.push(tenantId);
            now -= 1;
          },
          { concurrency: 4 },
        ),
      );
      expect(seen.toSorted()).toEqual(ids(20).toSorted());
      expect(result).toEqual({ succeeded: 20, failures: [], suspended: 1 });
      expect(most).toBe(4);
      expect(tenants.current()).toBeUndefined();
    });

    it('stops after a failure, names the tenant, and leaves nothing running', async () => {
      const tenants = await start({ directory: tenantsFromList(ids(50)) });
      const begun: string[] = [];
      const ended: string[] = [];
      const work = tenants.forEachTenant(
        async ({ tenantId }) => {
          begun.push(tenantId);
          await pause(tenantId === 't3' ? 1 : 10);
          if (tenantId === 't3') {
            throw new Error('no paper');
          }
          ended.push(tenantId);
        },
        { concurrency: 4 },
      );
      await expect(work).rejects.toThrow(TenantTaskError);
      await expect(work).rejects.toMatchObject({ tenantId: 't3', cause: new Error('no paper') });
      await expect(work).rejects.toThrow(/"t3" failed, after 3 had succeeded: Error: no paper.*onError: 'continue'/);
      expect([begun.length, ended.length]).toEqual([4, 3]);
    });

    it('continues after failures if asked to, and reports them', async () => {
      const tenants = await start({ directory: tenantsFromList(ids(10)) });
      const result = await tenants.forEachTenant(
        ({ tenantId }) => {
          if (['t2', 't5'].includes(tenantId)) {
            throw new Error(tenantId);
          }
        },
        { onError: 'continue', concurrency: 3 },
      );
      expect(result.succeeded).toBe(8);
      expect(result.failures).toEqual([
        { tenantId: 't2', error: new Error('t2') },
        { tenantId: 't5', error: new Error('t5') },
      ]);
    });

    it('counts a tenant that the directory describes wrongly as one that failed', async () => {
      const tenants = await start({ directory: tenantsFromList(['a', 'big-corp', 'b']) });
      const seen: string[] = [];
      const { succeeded, failures } = await tenants.forEachTenant(({ tenantId }) => seen.push(tenantId), {
        onError: 'continue',
      });
      expect([seen, succeeded]).toEqual([['a', 'b'], 2]);
      expect(failures).toEqual([{ tenantId: 'big-corp', error: expect.any(InvalidTenantIdError) }]);
      const stopped = tenants.forEachTenant(() => undefined);
      await expect(stopped).rejects.toThrow(TenantTaskError);
      await expect(stopped).rejects.toMatchObject({ tenantId: 'big-corp', result: { succeeded: 1 } });
    });

    it('fails if the directory does, with what was done before', async () => {
      const tenants = await start({
        directory: {
          find: () => undefined,
          *list() {
            yield* ids(3).map((tenantId) => ({ tenantId }));
            throw new Error('connection lost');
          },
        },
      });
      const seen: string[] = [];
      const work = tenants.forEachTenant(
        ({ tenantId }) => {
          seen.push(tenantId);
          if (tenantId === 't1') {
            throw new Error('no paper');
          }
        },
        { concurrency: 2, onError: 'continue' },
      );
      await expect(work).rejects.toThrow(TenantDirectoryError);
      await expect(work).rejects.toThrow(TenantListError);
      await expect(work).rejects.toThrow(/after 2 had succeeded and 1 had failed: .*connection lost/);
      await expect(work).rejects.toMatchObject({
        result: { succeeded: 2, failures: [{ tenantId: 't1', error: new Error('no paper') }], suspended: 0 },
      });
      expect(seen).toEqual(ids(3));
      await expect(tenants.forEachTenant(() => 1, { concurrency: 0 })).rejects.toThrow(RangeError);
    });

    it('reports all tenants that failed, even if it stops after the first', async () => {
      const tenants = await start({ directory: tenantsFromList(ids(9)) });
      const work = tenants.forEachTenant(
        async ({ tenantId }) => {
          await pause(1);
          throw new Error(tenantId);
        },
        { concurrency: 3 },
      );
      await expect(work).rejects.toMatchObject({
        result: { succeeded: 0, failures: ids(3).map((tenantId) => ({ tenantId, error: new Error(tenantId) })) },
      });
    });

    it('works as the system to see everything', async () => {
      const tenants = await start();
      for (const tenant of ['a', 'b']) {
        await ensureTables(database.pool, { schema: `tenant_${tenant}`, createSchema: true });
        await database.query(
          `INSERT INTO tenant_${tenant}.prismiq_dashboards (tenant_id, name, owner_id) VALUES ('${tenant}', 'Private', 'ada')`,
        );
      }
      const dashboards = app.get(DashboardRepository);
      const counts: number[] = [];
      await tenants.forEachTenant(async () => {
        const list = () => dashboards.list();
        counts.push((await list()).length, (await tenants.asSystem(list)).length);
      });
      expect(counts).toEqual([0, 1, 0, 1]);
    });
  });

  it('returns cache keys that no two tenants, or things, share', async () => {
    const tenants = await start({
      directory: { find: (tenantId) => ({ tenantId }), list: () => [] },
      schemaFor: () => 's',
    });
    expect(() => tenants.cacheKey('summary')).toThrow(TenantRequiredError);
    expect(await tenants.runInTenant('acme', () => tenants.cacheKey('summary', 7))).toBe('tenant:acme:summary:7');
    const id = fc.oneof(fc.constantFrom('a', 'a:b', 'a%3Ab', ':', '%'), fc.string({ minLength: 1, maxLength: 5 }));
    const named = fc.tuple(
      id.filter((text) => !text.includes('\u0000')),
      fc.array(fc.oneof(id, fc.constant('')), { maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(named, named, async (one, other) => {
        const [first, second] = await Promise.all(
          [one, other].map(([tenantId, parts]) => tenants.runInTenant(tenantId, () => tenants.cacheKey(...parts))),
        );
        expect(first === second).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  describe('in the log', () => {
    /** What the logger writes while `work` runs. */
    const written = async (work: () => Promise<unknown>) => {
      const lines: string[] = [];
      const { write } = process.stdout;
      process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof write;
      try {
        await work();
      } finally {
        process.stdout.write = write;
      }
      return lines;
    };
    const log = (message: string) => new Logger('Reports').log(message);

    afterEach(() => Logger.overrideLogger(false));

    it('is on every line, and on none outside', async () => {
      const tenants = await start({ directory: tenantsFromList(['acme', 'a\nb']), schemaFor: () => 's' });
      app.useLogger(new TenantLogger(tenants, { colors: false }));
      const lines = await written(async () => {
        log('outside');
        await tenants.runInTenant('acme', async () => {
          await pause(1);
          log('inside');
        });
        await tenants.runInTenant('a\nb', () => log('forged'));
      });
      expect(lines).toEqual([
        expect.stringMatching(/ LOG \[Reports\] outside\n$/),
        expect.stringMatching(/ LOG \[Reports\] \[tenant acme\] inside\n$/),
        expect.stringMatching(/^[^\n]* LOG \[Reports\] \[tenant a%0Ab\] forged\n$/),
      ]);
    });

    it('is a member of JSON lines, and available to other loggers', async () => {
      const tenants = await start({ directory: tenantsFromList(['acme']) });
      app.useLogger(new TenantLogger(tenants, { json: true, colors: false }));
      const [outside, inside] = await written(async () => {
        log('outside');
        await tenants.runInTenant({ tenantId: 'acme', userId: 'ada' }, () => log('inside'));
      });
      expect(JSON.parse(outside!)).not.toHaveProperty('tenantId');
      expect(JSON.parse(inside!)).toMatchObject({ message: 'inside', tenantId: 'acme', userId: 'ada' });
      expect(tenants.logFields()).toEqual({});
      expect(await tenants.runInTenant('acme', () => tenants.logFields())).toEqual({ tenantId: 'acme' });
    });
  });
});
