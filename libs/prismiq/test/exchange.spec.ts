import type { INestApplication } from '@nestjs/common';
import fc from 'fast-check';
import {
  DashboardRepository,
  ensureTables,
  InvalidDocumentError,
  NameTakenError,
  PrismiqModule,
  RecordForbiddenError,
  RecordNotFoundError,
  TenantContext,
  type CreateDashboard,
  type TenantIdentity,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';
import { holdLock, lockWaits } from './support/locks.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const SALES: CreateDashboard = {
  name: 'Sales',
  description: 'd',
  isPublic: true,
  allowedViewers: ['bob'],
  layout: { columns: 6, compact_type: null },
  filters: [{ id: 'f', type: 'text', label: 'l', field: 'c' }],
  widgets: [
    {
      type: 'table',
      title: 'a',
      query: QUERY,
      position: { x: 0, y: 0, w: 1, h: 1, minW: 1 },
      config: { page_size: 5 },
    },
    { type: 'text', title: 'b', position: { x: 0, y: 1, w: 1, h: 1 } },
  ],
};

/** Text that does not depend on the order of keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
const byText = (a: unknown, b: unknown) => (canonical(a) < canonical(b) ? -1 : 1);

/** Any dashboard that the documents allow, with anything that JSON (which has no -0) and jsonb (which has no U+0000) can hold. */
function anyDashboard() {
  const clean = (value: unknown) => !/\\u0000|__proto__/.test(JSON.stringify(value) ?? '');
  const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((value) => !value.includes('\u0000'));
  const json = fc.jsonValue({ maxDepth: 4 }).map((value): unknown => JSON.parse(JSON.stringify(value)));
  const free = (value: Record<string, unknown>) =>
    clean(value) && !['raw_sql', 'data_source_mode', 'hyperlink'].some((member) => member in value);
  const size = fc.integer({ min: 1, max: 100_000 });
  const place = fc.integer({ min: 0, max: 100_000 });
  const query = fc.record({
    tables: fc.constant([{ id: 'o', name: 'orders' }]),
    columns: fc.constant([{ table_id: 'o', column: 'amount' }]),
    filters: fc.array(
      fc.record({
        table_id: fc.constant('o'),
        column: text,
        operator: fc.constant('in_' as const),
        value: json.filter(clean),
      }),
      { maxLength: 2 },
    ),
    limit: fc.option(place),
  });
  return fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((name) => /\S/.test(name) && clean(name)),
    description: fc.option(text),
    layout: fc.record({
      columns: fc.integer({ min: 1, max: 1000 }),
      row_height: fc.integer({ min: 1, max: 10_000 }),
      margin: fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 })),
      compact_type: fc.constantFrom('vertical', 'horizontal', null),
    }),
    filters: fc.array(
      fc.record(
        {
          id: text,
          type: fc.constantFrom('date_range', 'select', 'multi_select', 'text', 'number_range'),
          label: text,
          field: text,
          table: text,
          default_value: json.filter((value) => value !== null && clean(value)),
          dynamic: fc.boolean(),
        },
        { requiredKeys: ['id', 'type', 'label', 'field'] },
      ),
      { maxLength: 3 },
    ),
    widgets: fc.array(
      fc.record({
        type: fc.constantFrom('metric', 'bar_chart', 'table', 'text'),
        title: text,
        query: fc.option(query),
        position: fc.record(
          { x: place, y: place, w: size, h: size, minW: size },
          { requiredKeys: ['x', 'y', 'w', 'h'] },
        ),
        config: fc
          .dictionary(fc.string({ unit: 'binary' }), json)
          .map((config) => JSON.parse(JSON.stringify(config)) as Record<string, unknown>)
          .filter(free),
      }),
      { maxLength: 4 },
    ),
  });
}

describe('dashboards change hands', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let dashboards: DashboardRepository;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    await ensureTables(database.pool, { schema: 'tenant_globex', createSchema: true });
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] });
    dashboards = app.get(DashboardRepository);
  });
  afterEach(() =>
    database.query('DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_globex.prismiq_dashboards'),
  );
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const as =
    (identity: Partial<TenantIdentity>) =>
    <T>(work: () => Promise<T>): Promise<T> =>
      app.get(TenantContext).runInTenant({ tenantId: 'acme', ...identity }, work);
  const ada = as({ userId: 'ada' });
  const bob = as({ userId: 'bob' });
  const admin = as({ userId: 'root', isAdmin: true });

  describe('duplicated', () => {
    it('for the caller, without its sharing, under a free name', async () => {
      const source = await ada(() => dashboards.create(SALES));
      const copies = [];
      for (let i = 0; i < 3; i += 1) {
        copies.push(await bob(() => dashboards.duplicate(source.id)));
      }
      expect(copies.map(({ name }) => name)).toEqual(['Sales (Copy)', 'Sales (Copy) (2)', 'Sales (Copy) (3)']);
      expect(copies[0]).toMatchObject({ ownerId: 'bob', isPublic: false, allowedViewers: [], version: 1 });
      expect(copies[0]).toMatchObject({ layout: source.layout, filters: source.filters, description: 'd' });
      const content = ({ id: _, createdAt: __, updatedAt: ___, ...widget }: (typeof source.widgets)[number]) => widget;
      expect(copies[0]!.widgets.map(content)).toEqual(source.widgets.map(content));
      expect(new Set([...copies[0]!.widgets, ...source.widgets].map(({ id }) => id)).size).toBe(4);
      expect(await ada(() => dashboards.get(source.id))).toEqual(source);
    });

    it('under a name that fits, for any length of the original', async () => {
      const { id } = await ada(() => dashboards.create({ name: '🎉'.repeat(255) }));
      const names = [];
      for (let i = 0; i < 3; i += 1) {
        names.push((await ada(() => dashboards.duplicate(id))).name);
      }
      expect(new Set(names).size).toBe(3);
      expect(names.map((name) => [...name].length)).toEqual([255, 255, 255]);
      expect((await ada(() => dashboards.duplicate(id, { name: 'Mine' }))).name).toBe('Mine');
    });

    it('by many callers at once, each under a different name', async () => {
      const { id } = await ada(() => dashboards.create(SALES));
      const copies = await Promise.all(Array.from({ length: 20 }, () => ada(() => dashboards.duplicate(id))));
      expect(new Set(copies.map(({ name }) => name)).size).toBe(20);
      expect(copies.map(({ widgets }) => widgets.length)).toEqual(copies.map(() => 2));
    });

    it('by many processes at once', async () => {
      const { id } = await ada(() => dashboards.create(SALES));
      const others = await Promise.all(
        Array.from({ length: 4 }, () => boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] })),
      );
      const copies = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const host = others[index % 4]!;
          return host
            .get(TenantContext)
            .runInTenant({ tenantId: 'acme', userId: 'ada' }, () => host.get(DashboardRepository).duplicate(id));
        }),
      );
      expect(new Set(copies.map(({ name }) => name)).size).toBe(20);
      await Promise.all(others.map((host) => host.close()));
    });

    it('for the 1001st time', async () => {
      const { id } = await ada(() => dashboards.create(SALES));
      await database.query(
        `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name)
         SELECT 'acme', 'Sales (Copy)' || CASE WHEN i > 1 THEN ' (' || i || ')' ELSE '' END FROM generate_series(1, 1000) i`,
      );
      expect((await ada(() => dashboards.duplicate(id))).name).toBe('Sales (Copy) (1001)');
      const content = { version: '1.0', name: 'Sales (Copy)' };
      const { dashboard } = await ada(() => dashboards.import(content, { onConflict: 'rename' }));
      expect(dashboard.name).toBe('Sales (Copy) (1002)');
    });

    it('but not if it is deleted meanwhile', async () => {
      const { id } = await ada(() => dashboards.create(SALES));
      const name = await holdLock(
        database,
        `INSERT INTO tenant_acme.prismiq_dashboards (tenant_id, name) VALUES ('acme', 'Sales (Copy)')`,
      );
      const outcome = ada(() => dashboards.duplicate(id)).catch((error: unknown) => error);
      await lockWaits(database, 1);
      await database.query('DELETE FROM tenant_acme.prismiq_dashboards WHERE id = $1', [id]);
      await name.release('COMMIT');
      expect(await outcome).toBeInstanceOf(RecordNotFoundError);
      expect((await admin(() => dashboards.list())).map(({ name }) => name)).toEqual(['Sales (Copy)']);
    });

    it('but not by a user who may not see it', async () => {
      const { id } = await ada(() => dashboards.create({ name: 'Private' }));
      await expect(bob(() => dashboards.duplicate(id))).rejects.toThrow(RecordNotFoundError);
    });
  });

  describe('exported and imported', () => {
    it('come back equal, in another tenant', async () => {
      const source = await ada(() => dashboards.create(SALES));
      const exported = JSON.parse(JSON.stringify(await ada(() => dashboards.export(source.id))));
      expect(Object.keys(exported)).toEqual(['version', 'name', 'description', 'layout', 'widgets', 'filters']);
      const { action, dashboard } = await as({ tenantId: 'globex', userId: 'gus' })(() => dashboards.import(exported));
      expect(action).toBe('created');
      expect(dashboard).toMatchObject({ ownerId: 'gus', isPublic: false, allowedViewers: [], version: 1 });
      expect(await as({ tenantId: 'globex', userId: 'gus' })(() => dashboards.export(dashboard.id))).toEqual(exported);
    });

    it('come back equal, with any content', async () => {
      await fc.assert(
        fc.asyncProperty(anyDashboard(), async (any) => {
          const dashboard: CreateDashboard = any as CreateDashboard;
          await database.query('DELETE FROM tenant_acme.prismiq_dashboards');
          const made = await ada(() => dashboards.create(dashboard));
          expect(made.widgets.map(({ config }) => config).sort(byText)).toEqual(
            dashboard.widgets!.map(({ config }) => config).sort(byText),
          );
          const exported = await ada(() => dashboards.export(made.id));
          await ada(() => dashboards.delete(made.id));
          const imported = await ada(() => dashboards.import(JSON.parse(JSON.stringify(exported))));
          const read = await ada(() => dashboards.get(imported.dashboard.id));
          expect(read).toEqual(imported.dashboard);
          const { name, description, layout, filters, widgets } = await ada(() => dashboards.export(read.id));
          expect({ name, description, layout, filters }).toEqual({
            name: made.name,
            description: made.description,
            layout: made.layout,
            filters: made.filters,
          });
          expect([...widgets].sort(byText)).toEqual([...exported.widgets].sort(byText));
        }),
        { numRuns: 200 },
      );
    });

    it('under a taken name: refused, renamed, or overwritten', async () => {
      const mine = await ada(() => dashboards.create({ ...SALES, widgets: [] }));
      const exported = { version: '1.0', name: 'Sales', widgets: SALES.widgets! };
      await expect(ada(() => dashboards.import(exported))).rejects.toThrow(NameTakenError);
      const renamed = await ada(() => dashboards.import(exported, { onConflict: 'rename' }));
      expect(renamed).toMatchObject({ action: 'renamed', dashboard: { name: 'Sales (2)', ownerId: 'ada' } });
      expect(await ada(() => dashboards.import(exported, { name: 'Other', onConflict: 'rename' }))).toMatchObject({
        action: 'created',
        dashboard: { name: 'Other' },
      });
      const replaced = await admin(() => dashboards.import(exported, { onConflict: 'overwrite' }));
      expect(replaced).toMatchObject({
        action: 'overwritten',
        dashboard: { id: mine.id, ownerId: 'ada', isPublic: true, version: 2, description: null, widgets: [{}, {}] },
      });
      await expect(bob(() => dashboards.import(exported, { onConflict: 'overwrite' }))).rejects.toThrow(
        RecordForbiddenError,
      );
      await ada(() => dashboards.update(mine.id, { isPublic: false, allowedViewers: [] }));
      await expect(bob(() => dashboards.import(exported, { onConflict: 'overwrite' }))).rejects.toThrow(NameTakenError);
    });

    it('as a dry run: everything is checked, and nothing is stored', async () => {
      const before = await database.query('SELECT count(*)::int AS n FROM tenant_acme.prismiq_dashboards');
      const exported = { version: '1.0', name: 'Sales', widgets: SALES.widgets! };
      const trial = await ada(() => dashboards.import(exported, { dryRun: true }));
      expect(trial).toMatchObject({ action: 'created', dashboard: { name: 'Sales', widgets: [{}, {}] } });
      expect(await database.query('SELECT count(*)::int AS n FROM tenant_acme.prismiq_dashboards')).toEqual(before);
      await ada(() => dashboards.create({ name: 'Sales' }));
      await expect(ada(() => dashboards.import(exported, { dryRun: true }))).rejects.toThrow(NameTakenError);
    });

    it.each([null, undefined, 7, []])('not from %j', async (exported) => {
      await expect(ada(() => dashboards.import(exported as never))).rejects.toThrow(InvalidDocumentError);
    });

    it.each([
      ['another version', { version: '2.0', name: 'S' }, ['version']],
      ['no name', { version: '1.0' }, ['name']],
      [
        'a bad widget',
        { version: '1.0', name: 'S', widgets: [{ type: 'text', title: 't' }] },
        ['widgets', 0, 'position'],
      ],
    ])('not with %s, and nothing is written', async (_, exported, path) => {
      const refusal = ada(() => dashboards.import(exported as never));
      await expect(refusal).rejects.toThrow(InvalidDocumentError);
      await expect(refusal).rejects.toMatchObject({ issues: [{ path }] });
      expect(await admin(() => dashboards.list())).toEqual([]);
    });
  });

  describe('of those who leave', () => {
    it('one is given away, and its former owner has no right to it', async () => {
      const { id } = await ada(() => dashboards.create({ name: 'S' }));
      await expect(bob(() => dashboards.transferOwnership(id, 'bob'))).rejects.toThrow(RecordNotFoundError);
      await ada(() => dashboards.transferOwnership(id, 'bob', { version: 1 }));
      expect(await bob(() => dashboards.get(id))).toMatchObject({ ownerId: 'bob', version: 2 });
      await expect(ada(() => dashboards.get(id))).rejects.toThrow(RecordNotFoundError);
      await bob(() => dashboards.transferOwnership(id, 'bob'));
      expect((await bob(() => dashboards.get(id))).version).toBe(2);
    });

    it('all are given away, by the user, an admin or the system, and by nobody else', async () => {
      for (const name of ['A', 'B', 'C']) {
        await ada(() => dashboards.create({ name }));
      }
      await as({ tenantId: 'globex', userId: 'ada' })(() => dashboards.create({ name: 'Elsewhere' }));
      await expect(bob(() => dashboards.transferAllOwnership('ada', 'bob'))).rejects.toThrow(RecordForbiddenError);
      await expect(as({})(() => dashboards.transferAllOwnership('ada', 'bob'))).rejects.toThrow(RecordForbiddenError);
      const tenants = app.get(TenantContext);
      expect(await as({})(() => tenants.asSystem(() => dashboards.transferAllOwnership('ada', 'bob')))).toBe(3);
      expect(await bob(() => dashboards.transferAllOwnership('bob', 'ada'))).toBe(3);
      expect(await admin(() => dashboards.transferAllOwnership('nobody', 'ada'))).toBe(0);
      expect((await ada(() => dashboards.list())).map(({ version }) => version)).toEqual([3, 3, 3]);
      expect(await as({ tenantId: 'globex', userId: 'ada' })(() => dashboards.list())).toHaveLength(1);
    });

    it('the lists of viewers are cleared', async () => {
      await ada(() => dashboards.create({ name: 'A', allowedViewers: ['bob', 'cleo', 'bob'] }));
      await ada(() => dashboards.create({ name: 'B', allowedViewers: ['cleo'] }));
      await expect(as({ userId: 'cleo' })(() => dashboards.removeViewer('bob'))).rejects.toThrow(RecordForbiddenError);
      expect(await admin(() => dashboards.removeViewer('bob'))).toBe(1);
      expect(await bob(() => dashboards.list())).toEqual([]);
      expect((await as({ userId: 'cleo' })(() => dashboards.list())).map(({ version }) => version).sort()).toEqual([
        1, 2,
      ]);
    });
  });

  it('what the system creates has no owner, and it needs a tenant', async () => {
    const tenants = app.get(TenantContext);
    expect(await as({})(() => tenants.asSystem(() => dashboards.create({ name: 'S' })))).toMatchObject({
      ownerId: null,
    });
    await expect(tenants.asSystem(() => dashboards.list())).rejects.toThrow('No tenant in context');
  });
});
