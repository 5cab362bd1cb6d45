import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import {
  DashboardRepository,
  DocumentTooLargeError,
  ensureTables,
  InvalidOptionsError,
  PrismiqModule,
  StaleVersionError,
  TenantContext,
  WidgetRepository,
  type Dashboard,
  type PrismiqModuleOptions,
  type DashboardWidgetInput,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

const widget = (title: string, y = 0): DashboardWidgetInput => ({
  type: 'text',
  title,
  position: { x: 0, y, w: 1, h: 1 },
});

describe('under load', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let statements: string[];

  const start = async (options: PrismiqModuleOptions = {}) => {
    app = await boot({
      imports: [
        ormModule(database, {
          pool: { max: 5 },
          onQuery: (sql) => {
            statements.push(sql);
            return sql;
          },
        }),
        PrismiqModule.forRoot({ resolver, ...options }),
      ],
    });
  };

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
  });
  beforeEach(() => {
    statements = [];
  });
  afterEach(async () => {
    await app.close();
    await database.query('DELETE FROM tenant_acme.prismiq_dashboards');
  });
  afterAll(() => database.close());

  const ada = <T>(work: () => Promise<T>): Promise<T> =>
    app.get(TenantContext).runInTenant({ tenantId: 'acme', userId: 'ada' }, work);
  const dashboards = () => app.get(DashboardRepository);

  it('two simultaneous saves of 50 widgets, 200 rounds: one of the two sets, ids kept, none twice, none lost', async () => {
    await start();
    const first = await ada(() =>
      dashboards().create({ name: 'S', widgets: Array.from({ length: 50 }, (_, i) => widget(`w${i}`, i)) }),
    );
    const ids = first.widgets.map(({ id }) => id);
    for (let round = 0; round < 200; round += 1) {
      const [{ version }] = (await ada(() => dashboards().list())) as [Dashboard];
      const versioned = round % 2 === 0 ? { version } : {};
      const results = await Promise.allSettled(
        ['left', 'right'].map((side) =>
          ada(() =>
            dashboards().update(
              first.id,
              { widgets: ids.map((id, i) => ({ ...widget(`${side} ${round} ${i}`, i), id })) },
              versioned,
            ),
          ),
        ),
      );
      const stored = await ada(() => dashboards().get(first.id));
      expect(stored.widgets.map(({ id }) => id)).toEqual(ids);
      const [side] = stored.widgets[0]!.title.split(' ');
      expect(stored.widgets.map(({ title }) => title)).toEqual(ids.map((_, i) => `${side} ${round} ${i}`));
      if (round % 2 === 0) {
        const refused = results.filter((result) => result.status === 'rejected');
        expect(refused).toHaveLength(1);
        expect(refused[0]!.reason).toBeInstanceOf(StaleVersionError);
        expect(refused[0]!.reason.current).toBe(stored.version);
      } else {
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
        expect(stored.version).toBe(version + 2);
      }
    }
  });

  it('dashboards saved at the same moment with the same new widget ids all get their widgets, under ids of their own', async () => {
    await start();
    const made = await ada(() =>
      Promise.all(['a', 'b', 'c', 'd'].map((name) => dashboards().create({ name, widgets: [widget('old')] }))),
    );
    for (let round = 0; round < 20; round += 1) {
      const ids = Array.from({ length: 20 }, () => randomUUID());
      const saved = await Promise.all(
        made.map(({ id, name }, index) => {
          // In another order each, and one without an id among them.
          const set = [...ids.slice(index * 5), ...ids.slice(0, index * 5)].map((id) => ({ ...widget(name), id }));
          return ada(() => dashboards().update(id, { widgets: [...set, widget('new')] }));
        }),
      );
      const stored = saved.flatMap(({ widgets }) => widgets.map(({ id }) => id));
      expect(new Set(stored).size).toBe(4 * 21);
      expect(stored).toEqual(expect.arrayContaining(ids));
      expect(await ada(() => Promise.all(made.map(({ id }) => dashboards().get(id))))).toEqual(saved);
    }
  });

  it.each(['read committed', 'serializable'])(
    'whoever saves second answers with what the first has saved, where the default isolation is %s',
    async (isolation) => {
      await database.query(`ALTER DATABASE ${database.name} SET default_transaction_isolation TO '${isolation}'`);
      await start();
      const { id } = await ada(() => dashboards().create({ name: 'S' }));
      for (let round = 0; round < 50; round += 1) {
        const saved = await Promise.all([
          ada(() => dashboards().update(id, { description: `${round}` })),
          ada(() => dashboards().update(id, { widgets: [widget(`${round}`)] })),
          ada(() => dashboards().update(id, { layout: { columns: round + 20 } })),
        ]);
        const [, , last] = saved.toSorted((a, b) => a.version - b.version) as [Dashboard, Dashboard, Dashboard];
        expect(last).toMatchObject({
          version: 1 + (round + 1) * 3,
          description: `${round}`,
          layout: { columns: round + 20 },
          widgets: [{ title: `${round}` }],
        });
        expect(await ada(() => dashboards().get(id))).toEqual(last);
      }
      await database.query(`ALTER DATABASE ${database.name} RESET default_transaction_isolation`);
    },
  );

  it('200 updates at once on 5 connections finish', async () => {
    await start();
    const made = await ada(() =>
      Promise.all(Array.from({ length: 10 }, (_, i) => dashboards().create({ name: `${i}` }))),
    );
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        ada(() => dashboards().update(made[i % 10]!.id, { widgets: [widget(`w${i}`)] })),
      ),
    );
    expect((await ada(() => dashboards().list())).map(({ version }) => version)).toEqual(made.map(() => 21));
  });

  it('the number of statements does not depend on the number of widgets', async () => {
    await start();
    const count = async (work: () => Promise<unknown>) => {
      statements = [];
      await ada(work);
      return statements.filter((sql) => !/^(BEGIN|COMMIT|SAVEPOINT|RELEASE)/.test(sql)).length;
    };
    for (const size of [1, 100]) {
      const set = Array.from({ length: size }, (_, i) => widget(`w${i}`, i));
      const made = await ada(() => dashboards().create({ name: `${size}`, widgets: set }));
      const moves = made.widgets.map(({ id }, i) => ({ widgetId: id, position: { x: 1, y: i, w: 1, h: 1 } }));
      const changed = made.widgets.map(({ id }) => ({ ...widget('changed'), id }));
      expect({
        get: await count(() => dashboards().get(made.id)),
        list: await count(() => dashboards().list()),
        page: await count(() => dashboards().listPage({ total: true })),
        summaries: await count(() => dashboards().listSummaries({ search: 'x' })),
        layout: await count(() => dashboards().updateLayout(made.id, moves)),
        save: await count(() => dashboards().update(made.id, { name: `new ${size}`, widgets: changed })),
        create: await count(() => dashboards().create({ name: `other ${size}`, widgets: set })),
        duplicate: await count(() => dashboards().duplicate(made.id)),
        nothing: await count(() => dashboards().update(made.id, { name: `new ${size}` })),
      }).toEqual({
        get: 1,
        list: 1,
        page: 1,
        summaries: 1,
        layout: 3,
        save: 3,
        create: 3,
        duplicate: 4,
        nothing: 2,
      });
    }
  });

  it('a document above the limits is refused, and nothing is written', async () => {
    await start({ limits: { widgetsPerDashboard: 3, documentBytes: 1000 } });
    const many = (n: number) => Array.from({ length: n }, (_, i) => widget(`w${i}`));
    const large = { ...widget('w'), config: { text: 'ü'.repeat(500) } };
    const made = await ada(() => dashboards().create({ name: 'S', widgets: many(3) }));
    for (const refused of [
      () => dashboards().create({ name: 'T', widgets: many(4) }),
      () => dashboards().create({ name: 'T', widgets: [large] }),
      () => dashboards().update(made.id, { widgets: many(4) }),
      () => dashboards().import({ version: '1.0', name: 'T', widgets: many(4) }),
      () => app.get(WidgetRepository).create(made.id, widget('fourth')),
      () => app.get(WidgetRepository).update(made.id, made.widgets[0]!.id, { config: large.config }),
    ]) {
      await expect(ada(refused as () => Promise<unknown>)).rejects.toThrow(DocumentTooLargeError);
      await expect(ada(refused as () => Promise<unknown>)).rejects.toMatchObject({ statusCode: 413 });
    }
    expect(await ada(() => dashboards().list())).toEqual([made]);
    for (const limits of [{ widgetsPerDashboard: 0 }, { documentBytes: 1.5 }, { widgets: 3 }, 7]) {
      expect(() => PrismiqModule.forRoot({ limits: limits as never })).toThrow(InvalidOptionsError);
    }
  });
});
