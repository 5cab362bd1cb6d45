import type { INestApplication } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import {
  PrismiqModule,
  QueryFeed,
  QueryService,
  rowCondition,
  TenantContext,
  type PrismiqQueryOptions,
  type QueryCacheStore,
  type QueryDefinition,
  type QueryEvent,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { boot, ormModule, resolver } from '../support/host.js';
import { Choices } from '../support/fuzz.js';
import { createQueryTables, ORDER_IDS, TABLES } from '../support/query-world.js';

/** As a store that several processes share: values are copies. */
class SharedStore implements QueryCacheStore {
  readonly entries = new Map<string, string>();
  failure: 'none' | 'fails' | 'hangs' = 'none';

  async get(key: string): Promise<unknown> {
    await this.check();
    const text = this.entries.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.check();
    this.entries.set(key, JSON.stringify(value));
  }

  async delete(key: string): Promise<void> {
    await this.check();
    this.entries.delete(key);
  }

  private async check(): Promise<void> {
    if (this.failure === 'hangs') {
      await new Promise(() => undefined);
    }
    if (this.failure === 'fails') {
      throw new Error('the store is down');
    }
  }
}

const TENANTS = ['acme', 'globex', 'initech'];
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

describe('the cache of results', () => {
  let database: TestDatabase;
  const apps: INestApplication[] = [];
  const events: QueryEvent[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const tenant of TENANTS) {
      await createQueryTables(database, `tenant_${tenant}`);
      await database.query(`UPDATE tenant_${tenant}.orders SET status = status || '@${tenant}'`);
    }
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    events.length = 0;
  });
  afterAll(() => database.close());

  const start = async (store: QueryCacheStore, options: Partial<PrismiqQueryOptions> = {}) => {
    const query = { tables: TABLES, cache: { store, ttlMs: 60_000 }, ...options };
    const app = await boot({
      imports: [ormModule(database, { pool: { max: 4 } }), PrismiqModule.forRoot({ resolver, query })],
    });
    apps.push(app);
    app.get(QueryFeed).subscribe((event) => events.push(event));
    const as =
      (tenantId: string, userId = 'ada', isAdmin = false) =>
      <T>(work: (queries: QueryService) => Promise<T>): Promise<T> =>
        app.get(TenantContext).runInTenant({ tenantId, userId, isAdmin }, () => work(app.get(QueryService)));
    return { app, as };
  };
  const run = (definition: QueryDefinition, options?: object) => (queries: QueryService) =>
    queries.run(definition, options);

  it('answers from it, says so, and runs again when it is told to', async () => {
    const { as } = await start(new SharedStore());
    const acme = as('acme');
    const first = await acme(run(ORDER_IDS));
    expect(first).toMatchObject({ isFromCache: false, cachedAt: expect.any(Date), rowCount: 8 });
    const second = await acme(run(ORDER_IDS));
    expect(second).toEqual({ ...first, isFromCache: true });
    const bypassed = await acme(run(ORDER_IDS, { bypassCache: true }));
    expect(bypassed.isFromCache).toBe(false);
    expect((await acme(run(ORDER_IDS))).cachedAt).toEqual(bypassed.cachedAt);
    expect((await acme(run(ORDER_IDS, { cache: false }))).cachedAt).toBeNull();
    expect(events.map(({ isFromCache }) => isFromCache)).toEqual([false, true, false, true, false]);
  });

  it('runs equal queries once that are asked for at the same time, and names columns for each', async () => {
    const { as } = await start(new SharedStore());
    const named = (alias: string) => ({ ...ORDER_IDS, columns: [{ table_id: 'o', column: 'id', alias }] });
    const sent = jest.spyOn(SharedStore.prototype, 'set');
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => as('acme', `u${index}`)(run(named(`c${index}`)))),
    );
    expect(results.map(({ columns }) => columns[0])).toEqual(Array.from({ length: 10 }, (_, index) => `c${index}`));
    expect(sent).toHaveBeenCalledTimes(1);
    sent.mockRestore();
  });

  it('goes on with a query for the others when one caller goes away', async () => {
    const { as } = await start(new SharedStore());
    const controller = new AbortController();
    const leaving = as('acme')(run(ORDER_IDS, { signal: controller.signal })).catch((error: Error) => error.message);
    const staying = as('acme')(run(ORDER_IDS));
    controller.abort(new Error('gone'));
    expect(await leaving).toBe('gone');
    expect((await staying).rowCount).toBe(8);
  });

  it('forgets a tenant, in all processes, and what was begun before', async () => {
    const store = new SharedStore();
    const [one, other] = [await start(store), await start(store)];
    await one.as('acme')(run(ORDER_IDS));
    await one.as('globex')(run(ORDER_IDS));
    expect((await other.as('acme')(run(ORDER_IDS))).isFromCache).toBe(true);
    await one.as('acme')((queries) => queries.invalidate());
    expect((await other.as('acme')(run(ORDER_IDS))).isFromCache).toBe(false);
    expect((await other.as('globex')(run(ORDER_IDS))).isFromCache).toBe(true);
    await other.app.get(QueryService).invalidate('globex');
    expect((await one.as('globex')(run(ORDER_IDS))).isFromCache).toBe(false);
  });

  it.each(['fails', 'hangs'] as const)('costs nothing but the cache when the store %s', async (failure) => {
    const store = new SharedStore();
    const { as } = await start(store);
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await as('acme')(run(ORDER_IDS));
    store.failure = failure;
    for (let index = 0; index < 2; index += 1) {
      expect(await as('acme')(run(ORDER_IDS))).toMatchObject({ isFromCache: false, rowCount: 8 });
    }
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
    store.failure = 'none';
    expect((await as('acme')(run(ORDER_IDS))).isFromCache).toBe(true);
  });

  it('keeps no result that is too large, and no more of a tenant than it may have', async () => {
    const store = new SharedStore();
    const { as } = await start(store, { cache: { store, entryBytes: 100, tenantBytes: 200 } });
    await as('acme')(run({ ...ORDER_IDS, columns: [{ table_id: 'o', column: 'placed_at' }] }));
    expect(store.entries.size).toBe(0);
    for (let limit = 1; limit <= 20; limit += 1) {
      await as('acme')(
        run({
          ...ORDER_IDS,
          limit: 4,
          offset: limit % 4,
          filters: [{ table_id: 'o', column: 'id', operator: 'gt', value: -limit }],
        }),
      );
    }
    expect(store.entries.size).toBeLessThanOrEqual(5);
  });

  it('does not answer on another day with what "today" was', async () => {
    let now = new Date('2024-05-15T10:00:00Z');
    const { as } = await start(new SharedStore(), { clock: () => now });
    const today = {
      ...ORDER_IDS,
      filters: [{ table_id: 'o', column: 'placed_at', operator: 'date_relative' as const, value: 0 }],
    };
    expect((await as('acme')(run(today))).rows).toEqual([[1]]);
    now = new Date('2024-05-14T10:00:00Z');
    expect((await as('acme')(run(today))).rows).toEqual([[2]]);
  });

  it(`never shares a result between tenants, rights or rows (FUZZ_SEED=${SEED})`, async () => {
    const store = new SharedStore();
    const { as } = await start(store, {
      tables: { orders: { columns: { total: { roles: ['admin'] } } }, customers: {} },
      resolveRole: ({ isAdmin }) => (isAdmin ? 'admin' : 'user'),
      rowFilter: (table, { userId }) => table !== 'orders' || rowCondition`id % 3 = ${Number(userId)}`,
    });
    const choices = new Choices(SEED);
    const round = () =>
      Promise.all(
        Array.from({ length: 200 }, async () => {
          const [tenant, user, isAdmin] = [choices.of(TENANTS), choices.below(3), choices.chance(0.5)];
          const column = choices.of(['status', 'total']);
          const definition = {
            ...ORDER_IDS,
            columns: [...ORDER_IDS.columns, { table_id: 'o', column }],
            limit: 1 + choices.below(4),
          };
          const result = await as(
            tenant,
            String(user),
            isAdmin,
          )(run(definition, { bypassCache: choices.chance(0.1) })).catch((error: Error) => error.message);
          if (column === 'total' && !isAdmin) {
            expect(result).toMatch(/Column 'total' not found/);
            return;
          }
          for (const [id, value] of (result as { rows: unknown[][] }).rows) {
            expect((id as number) % 3).toBe(user);
            expect(column !== 'status' || value === null || String(value).endsWith(`@${tenant}`)).toBe(true);
          }
        }),
      );
    await round();
    await round();
    expect(events.filter(({ isFromCache }) => isFromCache).length).toBeGreaterThan(0);
    expect([...store.entries.keys()].every((key) => TENANTS.some((tenant) => key.includes(`:${tenant}`)))).toBe(true);
  });
});
