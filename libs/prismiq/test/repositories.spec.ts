import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import {
  DashboardRepository,
  ensureTables,
  InvalidDocumentError,
  NameTakenError,
  PrismiqModule,
  RecordForbiddenError,
  RecordNotFoundError,
  SavedQueryRepository,
  StaleVersionError,
  TenantContext,
  WidgetRepository,
  type CreateWidget,
  type Dashboard,
  type TenantIdentity,
  type WidgetConfig,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

const QUERY = {
  tables: [{ id: 'o', name: 'orders' }],
  columns: [{ table_id: 'o', column: 'amount', aggregation: 'sum' as const }],
};
const widget = (title: string, y = 0, x = 0): CreateWidget => ({
  type: 'metric',
  title,
  position: { x, y, w: 3, h: 2 },
});

describe('the repositories', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let dashboards: DashboardRepository;
  let widgets: WidgetRepository;
  let queries: SavedQueryRepository;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] });
    dashboards = app.get(DashboardRepository);
    widgets = app.get(WidgetRepository);
    queries = app.get(SavedQueryRepository);
  });
  afterEach(() =>
    database.query('DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_acme.prismiq_saved_queries'),
  );
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const as =
    (identity: Omit<TenantIdentity, 'tenantId'>) =>
    <T>(work: () => Promise<T>): Promise<T> =>
      app.get(TenantContext).runInTenant({ tenantId: 'acme', ...identity }, work);
  const ada = as({ userId: 'ada' });
  const bob = as({ userId: 'bob' });
  const admin = as({ userId: 'root', isAdmin: true });
  const nobody = as({});

  describe('of dashboards', () => {
    it('create one with all members, and read it back', async () => {
      const created = await ada(() =>
        dashboards.create({
          name: '  Sales ',
          description: 'All of it',
          layout: { columns: 24, row_height: 60, margin: [16, 16], compact_type: null },
          filters: [{ id: 'f', type: 'date_range', label: 'When', field: 'ordered_at' }],
          isPublic: true,
          allowedViewers: ['bob'],
          widgets: [
            widget('below', 2),
            widget('right', 0, 3),
            { ...widget('left'), query: QUERY, config: { colors: ['#fff'] } },
          ],
        }),
      );
      expect(created).toMatchObject({
        name: 'Sales',
        description: 'All of it',
        layout: { columns: 24, row_height: 60, margin: [16, 16], compact_type: null },
        filters: [{ id: 'f', type: 'date_range', label: 'When', field: 'ordered_at' }],
        ownerId: 'ada',
        isPublic: true,
        allowedViewers: ['bob'],
        version: 1,
        widgets: [
          { title: 'left', query: QUERY, config: { colors: ['#fff'] } },
          { title: 'right' },
          { title: 'below' },
        ],
      });
      expect(Math.abs(created.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
      expect(await ada(() => dashboards.get(created.id))).toEqual(created);
      expect(await bob(() => dashboards.list())).toEqual([created]);
      expect(JSON.parse(JSON.stringify(created))).toMatchObject({
        id: created.id,
        createdAt: created.createdAt.toISOString(),
      });
    });

    it('create with defaults', async () => {
      expect(await ada(() => dashboards.create({ name: 'Bare' }))).toMatchObject({
        description: null,
        layout: { columns: 12, row_height: 50, margin: [10, 10], compact_type: 'vertical' },
        filters: [],
        isPublic: false,
        allowedViewers: [],
        widgets: [],
      });
    });

    it('create one without an owner, visible only if it is public', async () => {
      const made = await nobody(() => dashboards.create({ name: 'Job', widgets: [widget('w')] }));
      expect(made).toMatchObject({ ownerId: null, widgets: [{ title: 'w' }] });
      await expect(nobody(() => dashboards.get(made.id))).rejects.toThrow(RecordNotFoundError);
      expect((await admin(() => dashboards.get(made.id))).name).toBe('Job');
    });

    it('list the newest change first', async () => {
      const first = await ada(() => dashboards.create({ name: 'First' }));
      await ada(() => dashboards.create({ name: 'Second' }));
      expect((await ada(() => dashboards.list())).map(({ name }) => name)).toEqual(['Second', 'First']);
      await ada(() => dashboards.update(first.id, { description: 'touched' }));
      expect((await ada(() => dashboards.list())).map(({ name }) => name)).toEqual(['First', 'Second']);
    });

    it('update what a patch names and nothing else, raising the version', async () => {
      const { id, layout } = await ada(() =>
        dashboards.create({ name: 'Sales', description: 'x', widgets: [widget('w')] }),
      );
      expect(await ada(() => dashboards.update(id, { name: 'Orders' }))).toMatchObject({
        name: 'Orders',
        description: 'x',
        layout,
        version: 2,
        widgets: [{ title: 'w' }],
      });
      expect(await ada(() => dashboards.update(id, { description: null, isPublic: true }))).toMatchObject({
        name: 'Orders',
        description: null,
        isPublic: true,
        version: 3,
      });
    });

    it('replace the widgets as a set, matching by id', async () => {
      const before = await ada(() => dashboards.create({ name: 'S', widgets: [widget('keep'), widget('drop', 1)] }));
      const [keep, drop] = before.widgets;
      const browserId = randomUUID();
      const after = await ada(() =>
        dashboards.update(before.id, {
          widgets: [
            { ...widget('kept'), id: keep!.id },
            { ...widget('new', 1), id: browserId },
            { ...widget('newer', 2), id: 'widget-1' },
          ],
        }),
      );
      expect(after.widgets.map(({ title }) => title)).toEqual(['kept', 'new', 'newer']);
      expect(after.widgets[0]).toMatchObject({ id: keep!.id, createdAt: keep!.createdAt });
      expect(after.widgets[1]!.id).toBe(browserId);
      expect(after.widgets.map(({ id }) => id)).not.toContain(drop!.id);
      expect((await ada(() => dashboards.update(before.id, { widgets: [] }))).widgets).toEqual([]);
    });

    it('never let an id reach a widget of another dashboard', async () => {
      const hers = await ada(() => dashboards.create({ name: 'Hers', widgets: [widget('hers')] }));
      const his = await bob(() => dashboards.create({ name: 'His' }));
      const stolen = { ...widget('stolen'), id: hers.widgets[0]!.id };
      const after = await bob(() => dashboards.update(his.id, { widgets: [stolen] }));
      expect(after.widgets[0]).toMatchObject({ title: 'stolen' });
      expect(after.widgets[0]!.id).not.toBe(hers.widgets[0]!.id);
      const copied = await bob(() => dashboards.create({ name: 'Copy', widgets: [stolen] }));
      expect(copied.widgets[0]!.id).not.toBe(hers.widgets[0]!.id);
      expect(await ada(() => dashboards.get(hers.id))).toEqual(hers);
    });

    it('refuse two widgets with one id', async () => {
      const id = randomUUID();
      const twice = {
        name: 'S',
        widgets: [
          { ...widget('a'), id },
          { ...widget('b'), id: id.toUpperCase() },
        ],
      };
      await expect(ada(() => dashboards.create(twice))).rejects.toMatchObject({
        issues: [{ path: ['widgets', 1, 'id'] }],
      });
    });

    it('refuse a write based on an older version, and change nothing', async () => {
      const {
        id,
        widgets: [first],
      } = await ada(() => dashboards.create({ name: 'S', widgets: [widget('w')] }));
      const changed = await ada(() => dashboards.update(id, { name: 'T' }, { version: 1 }));
      expect(changed.version).toBe(2);
      const stale = { version: 1 };
      for (const write of [
        () => dashboards.update(id, { name: 'U' }, stale),
        () => dashboards.updateLayout(id, [], stale),
        () => dashboards.delete(id, stale),
        () => widgets.create(id, widget('x'), stale),
        () => widgets.update(id, first!.id, { title: 'x' }, stale),
        () => widgets.delete(id, first!.id, stale),
      ]) {
        await expect(ada(write as () => Promise<unknown>)).rejects.toMatchObject({
          code: 'STALE_VERSION',
          statusCode: 409,
          expected: 1,
          current: 2,
        });
      }
      expect(await ada(() => dashboards.get(id))).toEqual(changed);
      expect(await ada(() => dashboards.update(id, { name: 'Last wins' }))).toMatchObject({ version: 3 });
    });

    it('let one of two simultaneous saves of a version win', async () => {
      const { id } = await ada(() => dashboards.create({ name: 'S' }));
      const results = await Promise.allSettled(
        ['a', 'b', 'c', 'd'].map((title) =>
          ada(() => dashboards.update(id, { widgets: [widget(title), widget(title, 1)] }, { version: 1 })),
        ),
      );
      const [won] = results.filter((result) => result.status === 'fulfilled');
      expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(3);
      expect(await ada(() => dashboards.get(id))).toEqual(won!.value);
    });

    it('keep the version if nothing changes, regardless of the order of keys', async () => {
      const before = await ada(() =>
        dashboards.create({
          name: 'S',
          layout: { columns: 6 },
          widgets: [{ ...widget('w'), query: QUERY, config: { b: 1, a: { d: [1], c: null } } }],
        }),
      );
      const [stored] = before.widgets;
      const { columns, tables } = QUERY;
      const same = { ...stored!, query: { columns, tables }, config: { a: { c: null, d: [1] }, b: 1 } };
      expect(await ada(() => dashboards.update(before.id, {}))).toEqual(before);
      expect(await ada(() => dashboards.update(before.id, { ...before, widgets: [same] }))).toEqual(before);
      expect(
        await ada(() => dashboards.updateLayout(before.id, [{ widgetId: stored!.id, position: stored!.position }])),
      ).toEqual(before);
      expect(await ada(() => widgets.update(before.id, stored!.id, { config: same.config }))).toEqual({
        ...stored,
        dashboardVersion: 1,
      });
    });

    it('leave a dashboard as it was when a save fails', async () => {
      const before = await ada(() => dashboards.create({ name: 'S', widgets: [widget('a')] }));
      const bad = [
        ...Array.from({ length: 5 }, (_, i) => widget(`w${i}`)),
        { ...widget('x'), config: { note: 'a\u0000b' } },
      ];
      await expect(ada(() => dashboards.update(before.id, { name: 'T', widgets: bad }))).rejects.toThrow(
        InvalidDocumentError,
      );
      expect(await ada(() => dashboards.get(before.id))).toEqual(before);
      await expect(ada(() => dashboards.create({ name: 'New', widgets: bad }))).rejects.toThrow(InvalidDocumentError);
      expect(await ada(() => dashboards.list())).toHaveLength(1);
    });

    it('leave a dashboard as it was, byte for byte, when the database refuses the last widget', async () => {
      const { id } = await ada(() => dashboards.create({ name: 'S', widgets: [widget('a'), widget('b', 1)] }));
      const bytes = () =>
        database.query(
          `SELECT d::text, (SELECT string_agg(w::text, ' ' ORDER BY w.id) FROM tenant_acme.prismiq_widgets w) AS widgets
           FROM tenant_acme.prismiq_dashboards d`,
        );
      const before = await bytes();
      await database.query(`ALTER TABLE tenant_acme.prismiq_widgets ADD CONSTRAINT refused CHECK (title <> 'refused')`);
      const set = [...Array.from({ length: 20 }, (_, i) => widget(`w${i}`)), widget('refused')];
      await expect(ada(() => dashboards.update(id, { name: 'T', widgets: set }))).rejects.toMatchObject({
        code: 'DATABASE_ERROR',
        sqlState: '23514',
      });
      await expect(ada(() => dashboards.create({ name: 'New', widgets: set }))).rejects.toThrow(/23514/);
      await expect(ada(() => dashboards.import({ version: '1.0', name: 'New', widgets: set }))).rejects.toThrow(
        /23514/,
      );
      await expect(ada(() => widgets.create(id, widget('refused')))).rejects.toThrow(/23514/);
      await database.query('ALTER TABLE tenant_acme.prismiq_widgets DROP CONSTRAINT refused');
      expect(await bytes()).toEqual(before);
    });

    it('move widgets, keeping their limits, and ignore those that are gone', async () => {
      const position = { x: 0, y: 0, w: 2, h: 2, minW: 2 };
      const before = await ada(() => dashboards.create({ name: 'S', widgets: [{ ...widget('a'), position }] }));
      const after = await ada(() =>
        dashboards.updateLayout(before.id, [
          { widgetId: before.widgets[0]!.id, position: { x: 5, y: 6, w: 3, h: 3 } },
          { widgetId: randomUUID(), position: { x: 0, y: 0, w: 1, h: 1 } },
        ]),
      );
      expect(after.widgets[0]!.position).toEqual({ x: 5, y: 6, w: 3, h: 3, minW: 2 });
      expect(after.version).toBe(2);
    });

    it('delete a dashboard together with its widgets', async () => {
      const { id } = await ada(() => dashboards.create({ name: 'S', widgets: [widget('a')] }));
      await ada(() => dashboards.delete(id));
      await expect(ada(() => dashboards.get(id))).rejects.toThrow(RecordNotFoundError);
      expect(await database.query('SELECT 1 FROM tenant_acme.prismiq_widgets')).toEqual([]);
    });

    it('refuse a name in use, also one that the user cannot see', async () => {
      await ada(() => dashboards.create({ name: 'Private' }));
      await expect(bob(() => dashboards.create({ name: 'Private' }))).rejects.toMatchObject({
        code: 'NAME_TAKEN',
        message: 'A dashboard named "Private" already exists. Choose another name.',
        statusCode: 409,
        tenantId: 'acme',
      });
      const { id } = await bob(() => dashboards.create({ name: 'Mine' }));
      await expect(bob(() => dashboards.update(id, { name: 'Private' }))).rejects.toThrow(NameTakenError);
    });

    it('show and change by the same rules in every method', async () => {
      const hers = await ada(() => dashboards.create({ name: 'Private', widgets: [widget('w')] }));
      const shared = await ada(() => dashboards.create({ name: 'Shared', allowedViewers: ['bob'] }));
      const open = await ada(() => dashboards.create({ name: 'Public', isPublic: true }));
      const seen = async (who: typeof ada) => (await who(() => dashboards.list())).map(({ name }) => name).sort();
      expect(await seen(ada)).toEqual(['Private', 'Public', 'Shared']);
      expect(await seen(admin)).toEqual(['Private', 'Public', 'Shared']);
      expect(await seen(bob)).toEqual(['Public', 'Shared']);
      expect(await seen(nobody)).toEqual(['Public']);

      const changes = (id: string) => [
        () => dashboards.update(id, { name: 'X' }),
        () => dashboards.updateLayout(id, []),
        () => dashboards.delete(id),
        () => widgets.create(id, widget('x')),
        () => widgets.update(id, hers.widgets[0]!.id, { title: 'x' }),
        () => widgets.delete(id, hers.widgets[0]!.id),
      ];
      for (const change of [...changes(hers.id), () => dashboards.get(hers.id), () => widgets.list(hers.id)]) {
        await expect(bob(change as () => Promise<unknown>)).rejects.toThrow(RecordNotFoundError);
        await expect(nobody(change as () => Promise<unknown>)).rejects.toThrow(RecordNotFoundError);
      }
      for (const change of [...changes(shared.id), ...changes(open.id)]) {
        await expect(bob(change as () => Promise<unknown>)).rejects.toThrow(RecordForbiddenError);
      }
      await expect(nobody(() => dashboards.delete(open.id))).rejects.toThrow(RecordForbiddenError);
      expect((await admin(() => dashboards.update(hers.id, { name: 'By admin' }))).ownerId).toBe('ada');
      expect((await ada(() => dashboards.get(shared.id))).version).toBe(1);
    });

    it.each(['', 'nonsense', '42', "'; DROP TABLE x; --", randomUUID(), `${randomUUID()}\n`])(
      'do not find the id %j',
      async (id) => {
        for (const use of [
          () => dashboards.get(id),
          () => dashboards.update(id, {}),
          () => dashboards.updateLayout(id, []),
          () => dashboards.delete(id),
          () => widgets.list(id),
          () => widgets.get(id, id),
          () => widgets.create(id, widget('w')),
          () => widgets.update(id, id, {}),
          () => widgets.delete(id, id),
          () => queries.get(id),
          () => queries.update(id, {}),
          () => queries.delete(id),
        ]) {
          await expect(admin(use as () => Promise<unknown>)).rejects.toThrow(RecordNotFoundError);
        }
      },
    );

    it('read rows of the Python server and corrupt rows', async () => {
      const [row] = await database.query<{ id: string }>(
        `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name, owner_id, layout)
         VALUES ('acme', 'Python', 'ada', '{"columns": 12, "row_height": 80, "margin": [16, 16]}') RETURNING id`,
      );
      await database.query(
        `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name, owner_id) VALUES ('acme', 'Default', 'ada');
         INSERT INTO tenant_acme.prismiq_widgets (dashboard_id, type, title, position)
         VALUES ('${row!.id}', 'gauge', 'unknown type', '{"x": "left", "y": null}'), ('${row!.id}', 'text', 'no position', 'null')`,
      );
      const [fallback, python] = (await ada(() => dashboards.list())).sort((a, b) => a.name.localeCompare(b.name));
      expect(python).toMatchObject({ layout: { row_height: 80, margin: [16, 16] } });
      expect(python!.widgets.map(({ title, invalid }) => [title, invalid]).sort()).toEqual([
        ['no position', ['position']],
        ['unknown type', ['type', 'position']],
      ]);
      const repaired = await ada(() =>
        widgets.update(row!.id, python!.widgets.find(({ title }) => title === 'no position')!.id, {
          position: { x: 0, y: 0, w: 1, h: 1 },
        }),
      );
      expect(repaired.invalid).toBeUndefined();
      await database.query(
        `UPDATE tenant_acme.prismiq_dashboards SET layout = '7', filters = '{"no": "list"}' WHERE name = 'Default'`,
      );
      expect(await ada(() => dashboards.get(fallback!.id))).toMatchObject({
        invalid: ['layout', 'filters'],
        layout: { columns: 12 },
        filters: [],
      });
      expect(fallback).toMatchObject({ layout: { row_height: 50 } });
      await ada(() => dashboards.delete(row!.id));
    });
  });

  describe('of widgets', () => {
    let dashboardId: string;
    beforeEach(async () => {
      dashboardId = (await ada(() => dashboards.create({ name: 'S' }))).id;
    });
    const version = async () => (await ada(() => dashboards.get(dashboardId))).version;

    it('create, get, list, update, delete, each change raising the version of the dashboard', async () => {
      const { dashboardVersion, ...made } = await ada(() =>
        widgets.create(dashboardId, { ...widget('a'), query: QUERY }),
      );
      expect(dashboardVersion).toBe(2);
      expect(made).toMatchObject({
        type: 'metric',
        title: 'a',
        query: QUERY,
        config: {},
        position: { x: 0, y: 0, w: 3, h: 2 },
      });
      expect(await version()).toBe(2);
      expect(await ada(() => widgets.get(dashboardId, made.id))).toEqual(made);
      expect(await ada(() => widgets.list(dashboardId))).toEqual([made]);
      expect(await ada(() => widgets.update(dashboardId, made.id, { title: 'b' }))).toMatchObject({
        title: 'b',
        query: QUERY,
        dashboardVersion: 3,
      });
      expect(await version()).toBe(3);
      await ada(() => widgets.delete(dashboardId, made.id));
      expect([await version(), await ada(() => widgets.list(dashboardId))]).toEqual([4, []]);
    });

    it('do not reach a widget through another dashboard, and change nothing then', async () => {
      const other = await ada(() => dashboards.create({ name: 'T', widgets: [widget('w')] }));
      const id = other.widgets[0]!.id;
      await expect(ada(() => widgets.get(dashboardId, id))).rejects.toThrow(RecordNotFoundError);
      await expect(ada(() => widgets.update(dashboardId, id, { title: 'x' }))).rejects.toThrow(RecordNotFoundError);
      await expect(ada(() => widgets.delete(dashboardId, id))).rejects.toThrow(RecordNotFoundError);
      expect([await version(), await ada(() => dashboards.get(other.id))]).toEqual([1, other]);
    });

    it('check the widget that results, not the patch', async () => {
      const made = await ada(() => widgets.create(dashboardId, { ...widget('a'), query: QUERY }));
      const toSql = { config: { raw_sql: 'SELECT 1' } };
      await expect(ada(() => widgets.update(dashboardId, made.id, toSql))).rejects.toMatchObject({
        issues: [{ path: ['config', 'raw_sql'] }],
      });
      expect(await ada(() => widgets.update(dashboardId, made.id, { ...toSql, query: null }))).toMatchObject({
        query: null,
        ...toSql,
      });
      await expect(ada(() => widgets.update(dashboardId, made.id, { query: QUERY }))).rejects.toThrow(
        InvalidDocumentError,
      );
    });
  });

  describe('of saved queries', () => {
    it('create, get, list, update, delete', async () => {
      const made = await ada(() => queries.create({ name: 'b', query: QUERY, description: 'd' }));
      expect(made).toMatchObject({ tenantId: 'acme', ownerId: 'ada', isShared: false, version: 1, query: QUERY });
      await ada(() => queries.create({ name: 'a', query: QUERY }));
      expect((await ada(() => queries.list())).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(await ada(() => queries.update(made.id, { description: null }))).toMatchObject({
        description: null,
        version: 2,
        name: 'b',
      });
      await expect(ada(() => queries.update(made.id, { name: 'a' }))).rejects.toThrow(NameTakenError);
      const stale = { version: 1 };
      await expect(ada(() => queries.update(made.id, { name: 'c' }, stale))).rejects.toThrow(StaleVersionError);
      await expect(ada(() => queries.delete(made.id, stale))).rejects.toThrow(StaleVersionError);
      expect(await ada(() => queries.update(made.id, { query: QUERY }))).toMatchObject({ version: 2 });
      await ada(() => queries.delete(made.id, { version: 2 }));
      await expect(ada(() => queries.get(made.id))).rejects.toThrow(RecordNotFoundError);
    });

    it('show and change by the same rules in every method', async () => {
      const hers = await ada(() => queries.create({ name: 'private', query: QUERY }));
      const shared = await ada(() => queries.create({ name: 'shared', query: QUERY, isShared: true }));
      expect((await bob(() => queries.list())).map(({ name }) => name)).toEqual(['shared']);
      expect((await nobody(() => queries.list())).map(({ name }) => name)).toEqual(['shared']);
      for (const who of [bob, nobody]) {
        await expect(who(() => queries.get(hers.id))).rejects.toThrow(RecordNotFoundError);
        await expect(who(() => queries.update(hers.id, {}))).rejects.toThrow(RecordNotFoundError);
        await expect(who(() => queries.delete(hers.id))).rejects.toThrow(RecordNotFoundError);
        await expect(who(() => queries.update(shared.id, { name: 'x' }))).rejects.toThrow(RecordForbiddenError);
        await expect(who(() => queries.delete(shared.id))).rejects.toThrow(RecordForbiddenError);
      }
      expect(await admin(() => queries.list())).toHaveLength(2);
      await admin(() => queries.delete(hers.id));
    });
  });

  describe('keep documents as they are', () => {
    it('unknown members, numbers, unicode, and what a client may leave null', async () => {
      const query = {
        ...QUERY,
        joins: null,
        filters: [{ table_id: 'o', column: 'c', operator: 'in_' as const, value: [1, 'ü', null, { deep: true }] }],
        calculated_fields: [{ name: ' spaced ', expression: '[amount] * 2' }],
        time_series: null,
        limit: 10,
        future: { a: 1 },
      };
      const config = {
        colors: ['#fff'],
        valueFormat: 'K',
        x_axis: 'día 🎉 \u2028',
        big: 1e300,
        small: 1e-300,
        exact: Number.MAX_SAFE_INTEGER,
        nested: { __proto__x: [[], {}, [null]] },
        raw_sql: null,
      };
      const made = await ada(() => dashboards.create({ name: 'S', widgets: [{ ...widget('w'), query, config }] }));
      expect(made.widgets[0]).toMatchObject({ query, config });
      expect(Object.keys(made.widgets[0]!.config).sort()).toEqual(Object.keys(config).sort());
    });

    it('layouts member by member, filters without what is null', async () => {
      await database.query(
        `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name, owner_id, layout, filters) VALUES ('acme', 'Python', 'ada',
          '{"columns": 24, "row_height": 50.5, "margin": null, "compact_type": null}',
          '[{"id": "f", "type": "text", "label": "l", "field": "c", "table": null, "default_value": null}]')`,
      );
      expect(await ada(() => dashboards.list())).toMatchObject([
        {
          layout: { columns: 24, row_height: 50, margin: [10, 10], compact_type: null },
          filters: [{ id: 'f', type: 'text', label: 'l', field: 'c' }],
        },
      ]);
      const [{ filters, layout, id }] = (await ada(() => dashboards.list())) as [Dashboard];
      expect(Object.keys(filters[0]!).sort()).toEqual(['field', 'id', 'label', 'type']);
      await ada(() => dashboards.update(id, { layout: { ...layout, margin: null }, filters }));
    });

    it('but refuse what would crash a reader, or cannot be stored', async () => {
      const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
      const put = (config: unknown) =>
        ada(() => dashboards.create({ name: 'S', widgets: [{ ...widget('w'), config: config as WidgetConfig }] }));
      const loop: Record<string, unknown> = {};
      loop['self'] = loop;
      for (const [config, message] of [
        [{ d: nested(150) }, /more than 100 levels/],
        [{ d: JSON.parse('['.repeat(4388) + ']'.repeat(4388)) }, /more than 100 levels/],
        [loop, /more than 100 levels/],
        [{ n: 1n }, /widgets\.0\.config\.n: must be a number/],
        [{ t: ['a', '\ud800'] }, /widgets\.0\.config\.t\.1: must not contain/],
        [{ hyperlink: { url: 'http://x\njavascript:alert(1)' } }, /hyperlink\.url/],
      ] as const) {
        await expect(put(config)).rejects.toThrow(InvalidDocumentError);
        await expect(put(config)).rejects.toThrow(message);
      }
      expect((await put({ d: nested(80) })).widgets).toHaveLength(1);
    });
  });

  it('is not misled by an operator in public', async () => {
    await database.query(
      `CREATE FUNCTION public.always(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true';
       CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.always)`,
    );
    const { id } = await ada(() => dashboards.create({ name: 'S' }));
    const tenants = app.get(TenantContext);
    await database.query(
      `UPDATE tenant_acme.prismiq_dashboards SET tenant_id = 'other' WHERE id OPERATOR(pg_catalog.=) $1`,
      [id],
    );
    expect(await admin(() => dashboards.list())).toEqual([]);
    expect(await tenants.runInTenant({ tenantId: 'acme', userId: 'ada' }, () => dashboards.list())).toEqual([]);
    await database.query('DROP OPERATOR public.= (varchar, varchar); DROP FUNCTION public.always');
  });

  describe('refuse a document with the path of each fault', () => {
    it.each<[string, unknown, (string | number)[][]]>([
      ['no name', {}, [['name']]],
      ['an empty name', { name: '  ' }, [['name']]],
      ['a long name', { name: 'x'.repeat(256) }, [['name']]],
      ['U+0000', { name: 'a\u0000' }, [['name']]],
      ['viewers that are no texts', { name: 'a', allowedViewers: ['x', 1] }, [['allowedViewers', 1]]],
      [
        'a bad grid',
        { name: 'a', layout: { columns: 0, margin: [1] } },
        [
          ['layout', 'columns'],
          ['layout', 'margin'],
        ],
      ],
      [
        'a filter without a field',
        { name: 'a', filters: [{ id: 'f', type: 'text', label: 'l' }] },
        [['filters', 0, 'field']],
      ],
      [
        'a widget of no type',
        { name: 'a', widgets: [{ title: 'x', position: { x: 0, y: 0, w: 1, h: 1 } }] },
        [['widgets', 0, 'type']],
      ],
      [
        'a position that is no number',
        { name: 'a', widgets: [{ ...widget('x'), position: { x: 'left', y: -1, w: 0, h: 1.5 } }] },
        [
          ['widgets', 0, 'position', 'x'],
          ['widgets', 0, 'position', 'y'],
          ['widgets', 0, 'position', 'w'],
          ['widgets', 0, 'position', 'h'],
        ],
      ],
      [
        'a script as a link',
        { name: 'a', widgets: [{ ...widget('x'), config: { hyperlink: { url: 'javascript:alert(1)' } } }] },
        [['widgets', 0, 'config', 'hyperlink', 'url']],
      ],
      [
        'two sources',
        { name: 'a', widgets: [{ ...widget('x'), query: QUERY, config: { raw_sql: 'SELECT 1' } }] },
        [['widgets', 0, 'config', 'raw_sql']],
      ],
      [
        'an unknown table',
        { name: 'a', widgets: [{ ...widget('x'), query: { ...QUERY, group_by: [{ table_id: 'z', column: 'c' }] } }] },
        [['widgets', 0, 'query', 'group_by', 0, 'table_id']],
      ],
      [
        'SQL in a query',
        {
          name: 'a',
          widgets: [
            { ...widget('x'), query: { ...QUERY, columns: [{ ...QUERY.columns[0], sql_expression: 'now()' }] } },
          ],
        },
        [['widgets', 0, 'query', 'columns', 0, 'sql_expression']],
      ],
      [
        'a subquery',
        {
          name: 'a',
          widgets: [
            {
              ...widget('x'),
              query: {
                ...QUERY,
                filters: [{ table_id: 'o', column: 'c', operator: 'in_subquery', value: { sql: 'x' } }],
              },
            },
          ],
        },
        [['widgets', 0, 'query', 'filters', 0, 'operator']],
      ],
    ])('%s', async (_, input, paths) => {
      const error = await ada(() => dashboards.create(input as never)).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(InvalidDocumentError);
      expect((error as InvalidDocumentError).issues.map(({ path }) => path)).toEqual(paths);
      expect(await ada(() => dashboards.list())).toEqual([]);
    });
  });
});
