import type { INestApplication } from '@nestjs/common';
import fc from 'fast-check';
import {
  DashboardRepository,
  ensureTables,
  InvalidDocumentError,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  type ListOptions,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

const ID = '00000000-0000-4000-8000-000000000000';

describe('lists', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let dashboards: DashboardRepository;
  let queries: SavedQueryRepository;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] });
    dashboards = app.get(DashboardRepository);
    queries = app.get(SavedQueryRepository);
    // Several share a moment, to the microsecond; others are a microsecond apart. Every third is bob's own.
    await database.query(
      `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name, description, owner_id, is_public, created_at, updated_at)
       SELECT 'acme', 'Board ' || lpad(i::text, 2, '0'), CASE WHEN i % 5 = 0 THEN '100%_sure' END,
         CASE WHEN i % 3 = 0 THEN 'bob' ELSE 'ada' END, i % 3 > 0,
         '2026-01-01'::timestamptz + (i / 4) * interval '1 microsecond',
         '2026-02-01'::timestamptz + (i % 7) * interval '1 microsecond'
       FROM generate_series(1, 40) AS i`,
    );
    await database.query(
      `INSERT INTO tenant_acme.prismiq_widgets (dashboard_id, type, title, position)
       SELECT d.id, 'text', 't', '{"x":0,"y":0,"w":1,"h":1}' FROM tenant_acme.prismiq_dashboards d, generate_series(1, 3)
       WHERE d.name < 'Board 11'`,
    );
    await database.query(
      `INSERT INTO tenant_acme.prismiq_saved_queries (tenant_id, name, query, owner_id, is_shared)
       SELECT 'acme', chr(96 + i), '{}', 'ada', i < 6 FROM generate_series(1, 10) AS i`,
    );
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const as =
    (userId: string, isAdmin = false) =>
    <T>(work: () => Promise<T>): Promise<T> =>
      app.get(TenantContext).runInTenant({ tenantId: 'acme', userId, isAdmin }, work);
  const ada = as('ada');
  const root = as('root', true);

  /** All pages, one after the other. */
  async function walk(options: ListOptions): Promise<string[]> {
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await root(() => dashboards.listSummaries({ ...options, cursor }));
      expect(page.items.length).toBeLessThanOrEqual(options.limit!);
      names.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return names;
  }

  it('are paged, with each row once, in every order and page size', async () => {
    const columns = { name: 'name', createdAt: 'created_at', updatedAt: 'updated_at' };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('name', 'createdAt', 'updatedAt'),
        fc.constantFrom('asc', 'desc'),
        fc.integer({ min: 1, max: 50 }),
        async (sort, order, limit) => {
          const rows = await database.query<{ name: string }>(
            `SELECT name FROM tenant_acme.prismiq_dashboards ORDER BY ${columns[sort]} ${order}, id`,
          );
          expect(await walk({ sort, order, limit })).toEqual(rows.map(({ name }) => name));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('come page by page in an order of times that are no dates, or before 1970', async () => {
    await ensureTables(database.pool, { schema: 'tenant_times', createSchema: true });
    const times = [
      '-infinity',
      '1969-12-31T23:59:59.999999Z',
      '1970-01-01T00:00:00.5Z',
      '2026-05-01T12:00:00Z',
      'infinity',
    ];
    await database.query(
      `INSERT INTO tenant_times.prismiq_dashboards (tenant_id, name, created_at)
       SELECT 'times', time, time::timestamptz FROM unnest($1::text[]) AS time`,
      [times],
    );
    const found: [string, number][] = [];
    let cursor: string | undefined;
    do {
      const options: ListOptions = { sort: 'createdAt', order: 'asc', limit: 1, cursor };
      const page = await app
        .get(TenantContext)
        .runInTenant({ tenantId: 'times', isAdmin: true }, () => dashboards.listPage(options));
      found.push(...page.items.map(({ name, createdAt }): [string, number] => [name, createdAt.getTime()]));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(found).toEqual(times.map((time) => [time, Date.parse(time)]));
  });

  it('begin with the newest change, or with the first name, and have a limit', async () => {
    const page = await root(() => dashboards.listPage());
    expect(page.items.map(({ id }) => id)).toEqual((await root(() => dashboards.list())).map(({ id }) => id));
    expect(page).toMatchObject({ nextCursor: undefined, total: undefined });
    const names = await ada(() => queries.listPage({ limit: 3 }));
    expect(names.items.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    const rest = await ada(() => queries.listPage({ limit: 200, cursor: names.nextCursor }));
    expect(rest.items).toHaveLength(7);
  });

  it('do not shift when rows come and go between pages', async () => {
    const first = await root(() => dashboards.listSummaries({ sort: 'name', limit: 5 }));
    const made = await root(() => dashboards.create({ name: 'A new one that comes first' }));
    const second = await root(() => dashboards.listSummaries({ sort: 'name', limit: 5, cursor: first.nextCursor }));
    expect(second.items[0]!.name).toBe('Board 06');
    await root(() => dashboards.delete(made.id));
  });

  it.each(['\u0001'.repeat(254), '🎉'.repeat(254), '"\\'.repeat(127)])('go on after the name %j', async (prefix) => {
    const names = ['a', 'b', 'c'].map((last) => prefix + last);
    const made = await Promise.all(names.map((name) => root(() => dashboards.create({ name }))));
    const order = await database.query<{ name: string }>(
      'SELECT name FROM tenant_acme.prismiq_dashboards ORDER BY name, id',
    );
    expect(await walk({ sort: 'name', limit: 1 })).toEqual(order.map(({ name }) => name));
    await Promise.all(made.map(({ id }) => root(() => dashboards.delete(id))));
  });

  it('find by part of the name or description, literally', async () => {
    const search = async (text: string) =>
      (await root(() => dashboards.listSummaries({ search: text, limit: 200, total: true }))).total;
    expect(await search('board 1')).toBe(10);
    expect(await search('100%_SURE')).toBe(8);
    expect(await search('%')).toBe(8);
    expect(await search('_')).toBe(8);
    expect(await search('\\')).toBe(0);
    expect(await search("'; DROP TABLE x; --")).toBe(0);
  });

  it('filter by owner, and count all that match and may be seen', async () => {
    const bobs = await root(() => dashboards.listSummaries({ ownerId: 'bob', limit: 2, total: true }));
    expect(bobs).toMatchObject({ total: 13, items: [{ ownerId: 'bob' }, { ownerId: 'bob' }] });
    expect(await ada(() => dashboards.listSummaries({ ownerId: 'bob', total: true }))).toMatchObject({
      total: 0,
      items: [],
    });
    expect((await ada(() => dashboards.listSummaries({ total: true }))).total).toBe(27);
  });

  it('have summaries with the number of widgets and without documents', async () => {
    const { items } = await root(() => dashboards.listSummaries({ sort: 'name', limit: 11 }));
    expect(items.map(({ widgetCount }) => widgetCount)).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0]);
    expect(Object.keys(items[0]!).sort()).toEqual(
      'allowedViewers createdAt description id isPublic name ownerId updatedAt version widgetCount'.split(' '),
    );
    expect(items[0]!.createdAt).toBeInstanceOf(Date);
  });

  it('still count after the last row', async () => {
    const { items, nextCursor } = await root(() => dashboards.listSummaries({ sort: 'name', limit: 39 }));
    await database.query(`DELETE FROM tenant_acme.prismiq_dashboards WHERE name = 'Board 40'`);
    const page = await root(() => dashboards.listSummaries({ sort: 'name', cursor: nextCursor, total: true }));
    expect([items.length, page]).toEqual([39, { items: [], nextCursor: undefined, total: 39 }]);
  });

  it.each<[unknown, string]>([
    [{ limit: 0 }, 'limit'],
    [{ limit: 201 }, 'limit'],
    [{ limit: '5' }, 'limit'],
    [{ sort: 'tenant_id' }, 'sort'],
    [{ order: 'asc; DROP TABLE x' }, 'order'],
    [{ cursor: 'nonsense' }, 'cursor'],
    [{ cursor: Buffer.from('nay').toString('base64url') }, 'cursor'],
    [{ cursor: Buffer.from(`ud${ID}1; DROP`).toString('base64url') }, 'cursor'],
    [{ cursor: Buffer.from(`na${ID}x`).toString('base64url') }, 'cursor'],
    [{ sort: 'name', cursor: Buffer.from(`na${ID}\u0000`).toString('base64url') }, 'cursor'],
    [{ sort: 'name', cursor: 'x'.repeat(2001) }, 'cursor'],
  ])('refuse %j', async (options, path) => {
    const refusal = ada(() => dashboards.listSummaries(options as ListOptions));
    await expect(refusal).rejects.toThrow(InvalidDocumentError);
    await expect(refusal).rejects.toMatchObject({ issues: [{ path: [path] }] });
  });
});
