import type { INestApplication } from '@nestjs/common';
import request from 'supertest';
import {
  DashboardRepository,
  DocumentTooLargeError,
  ensureTables,
  InvalidOptionsError,
  PrismiqModule,
  ResultTooLargeError,
  SavedQueryRepository,
  TenantContext,
  WidgetRepository,
  type Dashboard,
  type DashboardWidgetInput,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, resolver, TokenGuard } from './support/host.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const LIMITS = { documentBytes: 8_000, dashboardBytes: 10_000, readBytes: 20_000 };

/** About `bytes` of JSON that PostgreSQL cannot compress. */
const noise = (bytes: number): string => {
  let text = '';
  while (text.length < bytes) {
    text += Math.random().toString(36).slice(2);
  }
  return text.slice(0, bytes);
};

const widget = (bytes: number, make = noise): DashboardWidgetInput => ({
  type: 'text',
  title: 'W',
  position: { x: 0, y: 0, w: 1, h: 1 },
  config: { text: make(bytes) },
});

describe('the size of', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let dashboards: DashboardRepository;
  let widgets: WidgetRepository;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot({
      imports: [
        ormModule(database),
        PrismiqModule.forRoot({ resolver, limits: LIMITS, controllers: { guards: [TokenGuard] } }),
      ],
    });
    dashboards = app.get(DashboardRepository);
    widgets = app.get(WidgetRepository);
  });
  afterEach(() =>
    database.query('DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_acme.prismiq_saved_queries'),
  );
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const ada = <T>(work: () => Promise<T>): Promise<T> =>
    app.get(TenantContext).runInTenant({ tenantId: 'acme', userId: 'ada' }, work);
  const get = (path: string) =>
    request(app.getHttpServer()).get(`/prismiq${path}`).set('Authorization', bearer('acme', 'ada'));

  /** A dashboard as another program has stored it, without limits. */
  async function storeLarge(name: string, bytes: number, make = noise): Promise<string> {
    const [row] = await database.query<{ id: string }>(
      `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name, owner_id) VALUES ('acme', $1, 'ada') RETURNING id`,
      [name],
    );
    await database.query(
      `INSERT INTO tenant_acme.prismiq_widgets (dashboard_id, type, title, position, config)
       VALUES ($1, 'text', 'W', '{"x":0,"y":0,"w":1,"h":1}', $2)`,
      [row!.id, JSON.stringify({ text: make(bytes) })],
    );
    return row!.id;
  }

  it('a dashboard is limited in every write, and a refused write leaves nothing behind', async () => {
    const made = await ada(() => dashboards.create({ name: 'S', widgets: [widget(4_000), widget(4_000)] }));
    const [first] = made.widgets as [Dashboard['widgets'][number]];
    const large = [widget(4_000), widget(4_000), widget(4_000)];
    const filter = { id: noise(3_000), type: 'text' as const, label: 'l', field: 'f' };
    const refused: Record<string, () => Promise<unknown>> = {
      create: () => dashboards.create({ name: 'T', widgets: large }),
      'create without widgets': () => dashboards.create({ name: 'T', filters: [filter], description: noise(7_500) }),
      import: () => dashboards.import({ version: '1.0', name: 'T', widgets: large }),
      overwrite: () => dashboards.import({ version: '1.0', name: 'S', widgets: large }, { onConflict: 'overwrite' }),
      rename: () => dashboards.import({ version: '1.0', name: 'S', widgets: large }, { onConflict: 'rename' }),
      'save of all widgets': () => dashboards.update(made.id, { widgets: large }),
      'one column': () => dashboards.update(made.id, { filters: [filter] }),
      'one column and the name': () => dashboards.update(made.id, { name: 'U', description: noise(3_000) }),
      'the viewers': () =>
        dashboards.update(made.id, { allowedViewers: [1, 2, 3, 4, 5, 6, 7, 8].map(() => noise(255)) }),
      'another widget': () => widgets.create(made.id, widget(3_000)),
      'a copy of a widget': () => widgets.duplicate(made.id, first.id),
      'a larger widget': () => widgets.update(made.id, first.id, { config: { text: noise(6_000) } }),
    };
    for (const [way, write] of Object.entries(refused)) {
      const outcome = await ada(write).catch((error: unknown) => error);
      expect([way, outcome]).toEqual([way, expect.any(DocumentTooLargeError)]);
      expect(outcome).toMatchObject({ statusCode: 413, unit: 'bytes' });
    }
    expect(await ada(() => dashboards.list())).toEqual([made]);
  });

  it('a text is limited as a document is', async () => {
    const description = noise(9_000);
    await expect(ada(() => dashboards.create({ name: 'S', description }))).rejects.toThrow(DocumentTooLargeError);
    const queries = app.get(SavedQueryRepository);
    await expect(ada(() => queries.create({ name: 'S', description, query: QUERY }))).rejects.toThrow(
      DocumentTooLargeError,
    );
  });

  it('a dashboard that is too large already can be renamed, moved and made smaller, but not made larger or copied', async () => {
    const id = await storeLarge('legacy', 15_000);
    const { widgets: stored } = await ada(() => dashboards.get(id));
    const widgetId = stored[0]!.id;
    await ada(() => dashboards.update(id, { name: 'renamed' }));
    await ada(() => dashboards.update(id, { isPublic: true, layout: { columns: 3 } }));
    await ada(() => dashboards.updateLayout(id, [{ widgetId, position: { x: 5, y: 0, w: 1, h: 1 } }]));
    await ada(() => widgets.update(id, widgetId, { title: '' }));
    await expect(ada(() => widgets.create(id, widget(1)))).rejects.toThrow(DocumentTooLargeError);
    await expect(ada(() => dashboards.duplicate(id))).rejects.toThrow(DocumentTooLargeError);
    await ada(() => widgets.delete(id, widgetId));
    await ada(() => widgets.create(id, widget(1)));
    expect((await ada(() => dashboards.get(id))).version).toBe(7);
  });

  it.each<[string, (bytes: number) => string]>([
    ['compressed', (bytes) => 'x'.repeat(bytes)],
    ['as it is', noise],
  ])('a dashboard that is larger than what is read at a time is refused by its size, stored %s', async (_, make) => {
    const id = await storeLarge('legacy', 1_000_000, make);
    for (const read of [
      () => dashboards.get(id),
      () => dashboards.export(id),
      () => dashboards.list(),
      () => dashboards.listPage(),
      () => widgets.list(id),
      () => dashboards.update(id, { name: 'renamed' }),
      () => dashboards.updateLayout(id, []),
    ]) {
      const outcome = await ada<unknown>(read).catch((error: unknown) => error);
      expect(outcome).toBeInstanceOf(ResultTooLargeError);
      expect(outcome).toMatchObject({ statusCode: 413, limit: LIMITS.readBytes, code: 'RESULT_TOO_LARGE' });
    }
    await expect(ada(() => dashboards.get(id))).rejects.toThrow(/has 1000\d\d\d bytes/);
    const { items } = await ada(() => dashboards.listSummaries());
    expect(items).toMatchObject([{ id, name: 'legacy', widgetCount: 1 }]);
    const [{ id: widgetId }] = (await database.query('SELECT id FROM tenant_acme.prismiq_widgets')) as [{ id: string }];
    await expect(ada(() => widgets.get(id, widgetId))).rejects.toThrow(ResultTooLargeError);
    await ada(() => widgets.delete(id, widgetId));
    expect((await ada(() => dashboards.get(id))).widgets).toEqual([]);
  });

  it.each<[string, (bytes: number) => string]>([
    ['compressed', (bytes) => 'x'.repeat(bytes)],
    ['as they are', noise],
  ])('a page ends early, and the complete list is refused; documents stored %s', async (_, make) => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (const name of names) {
      await ada(() => dashboards.create({ name, widgets: [widget(6_000, make)] }));
    }
    const seen: string[][] = [];
    for (let cursor: string | undefined | null; cursor !== null;) {
      const { body } = await get('/dashboards').query({ sort: 'name', ...(cursor === undefined ? {} : { cursor }) });
      expect(JSON.stringify(body).length).toBeLessThan(LIMITS.readBytes * 1.2);
      seen.push(body.dashboards.map(({ name }: { name: string }) => name));
      cursor = body.next_cursor as string | null;
    }
    expect(seen.flat()).toEqual(names);
    expect(seen.map((page) => page.length)).toEqual([3, 3, 1]);
    const complete = await get('/dashboards');
    expect([complete.status, complete.body.code]).toEqual([413, 'RESULT_TOO_LARGE']);
    expect(complete.body.detail).toMatch(/page by page/);
    expect((await ada(() => dashboards.listSummaries())).items).toHaveLength(7);
  });

  it('summaries and saved queries count as well', async () => {
    const queries = app.get(SavedQueryRepository);
    for (const name of ['a', 'b', 'c', 'd']) {
      const description = noise(6_000);
      await ada(() => dashboards.create({ name, description }));
      await ada(() => queries.create({ name, description, query: QUERY }));
    }
    for (const list of [
      (cursor?: string) => ada(() => dashboards.listSummaries({ sort: 'name', cursor, total: true })),
      (cursor?: string) => ada(() => queries.listPage({ cursor, total: true })),
    ]) {
      const first = await list();
      const second = await list(first.nextCursor);
      expect([first.items.length, second.items.length]).toEqual([3, 1]);
      expect([first.total, second.total, second.nextCursor]).toEqual([4, 4, undefined]);
    }
    await expect(ada(() => queries.list())).rejects.toThrow(ResultTooLargeError);
  });

  it.each([{ dashboardBytes: 0 }, { readBytes: 1000 }, { dashboardBytes: 2_000_000, readBytes: 1_000_000 }])(
    'has limits that make sense: not %j',
    (limits) => {
      expect(() => PrismiqModule.forRoot({ limits })).toThrow(InvalidOptionsError);
    },
  );
});
