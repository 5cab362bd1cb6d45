import type { INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  ChangeFeed,
  DashboardRepository,
  ensureTables,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  WidgetRepository,
  type ChangeEvent,
} from '@prismiq/nestjs';
import { ChangeFeed as InternalChangeFeed, recordKey } from '../src/changes/change-feed.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const WIDGET = { type: 'text' as const, title: 'W', position: { x: 0, y: 0, w: 1, h: 1 } };

describe('the change feed', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let dashboards: DashboardRepository;
  let heard: string[];
  let events: ChangeEvent[];

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] });
    dashboards = app.get(DashboardRepository);
    app.get(ChangeFeed).subscribe((event) => {
      events.push(event);
      const { kind, action, versionBefore: before = '-', versionAfter: after = '-' } = event;
      heard.push(`${kind} ${action} ${before} ${after}`);
    });
  });
  beforeEach(() => {
    heard = [];
    events = [];
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
  const em = () => app.get(MikroORM).em.fork();

  it('publishes every write: the user, the kind, and the versions before and after', async () => {
    const [widgets, queries] = [app.get(WidgetRepository), app.get(SavedQueryRepository)];
    const {
      id,
      widgets: [widget],
    } = await ada(() => dashboards.create({ name: 'S', widgets: [WIDGET] }));
    expect(events).toEqual([
      {
        tenantId: 'acme',
        schema: 'tenant_acme',
        userId: 'ada',
        kind: 'dashboard',
        action: 'created',
        id,
        dashboardId: undefined,
        versionBefore: undefined,
        versionAfter: 1,
      },
    ]);
    await ada(() => dashboards.update(id, { name: 'T' }));
    await ada(() => dashboards.update(id, { name: 'T' })); // changes nothing
    await ada(() => dashboards.updateLayout(id, [{ widgetId: widget!.id, position: { x: 1, y: 1, w: 1, h: 1 } }]));
    const made = await ada(() => widgets.create(id, WIDGET));
    await ada(() => widgets.update(id, made.id, { title: 'V' }));
    await ada(() => widgets.delete(id, made.id));
    expect(events.at(-1)).toMatchObject({ kind: 'widget', id: made.id, dashboardId: id });
    await ada(() => dashboards.import({ version: '1.0', name: 'T' }, { onConflict: 'overwrite' }));
    await ada(() => dashboards.import({ version: '1.0', name: 'U' }, { dryRun: true }));
    await ada(() => dashboards.removeViewer('ada'));
    await ada(() => dashboards.transferAllOwnership('ada', 'ada'));
    await ada(() => dashboards.duplicate(id));
    await ada(() => dashboards.delete(id));
    const query = await ada(() => queries.create({ name: 'q', query: QUERY }));
    await ada(() => queries.update(query.id, { isShared: true }));
    await ada(() => queries.delete(query.id));
    expect(heard).toEqual([
      'dashboard created - 1',
      'dashboard updated 1 2',
      'dashboard updated 2 3',
      'widget created 3 4',
      'widget updated 4 5',
      'widget deleted 5 6',
      'dashboard updated 6 7',
      'dashboard created - 1',
      'dashboard deleted 7 -',
      'saved query created - 1',
      'saved query updated 1 2',
      'saved query deleted 2 -',
    ]);
  });

  it('publishes no refused write', async () => {
    await ada(() => dashboards.create({ name: 'S' }));
    await ada(() => dashboards.create({ name: 'S' })).catch(() => undefined);
    await ada(() => dashboards.create({ name: '' })).catch(() => undefined);
    expect(heard).toHaveLength(1);
  });

  it('waits for the commit of the host', async () => {
    await em().transactional(async () => {
      await ada(() => dashboards.create({ name: 'S' }));
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual(['dashboard created - 1']);
  });

  it('waits for the outermost transaction, and drops what a savepoint rolled back', async () => {
    await em().transactional(async (outer) => {
      await outer.transactional(async (inner) => {
        await ada(() => dashboards.create({ name: 'A' }));
        await inner
          .transactional(async () => {
            await ada(() => dashboards.create({ name: 'B' }));
            throw new Error('no');
          })
          .catch(() => undefined);
      });
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual(['dashboard created - 1']);
    expect(await database.query('SELECT name FROM tenant_acme.prismiq_dashboards')).toEqual([{ name: 'A' }]);
  });

  it('publishes nothing that the host rolled back', async () => {
    const failure = em().transactional(async (outer) => {
      await ada(() => dashboards.create({ name: 'A' }));
      await outer.transactional(() => ada(() => dashboards.create({ name: 'B' })));
      throw new Error('no');
    });
    await expect(failure).rejects.toThrow('no');
    expect(heard).toEqual([]);
  });

  it('publishes every version of a record once and in order, however its changes overlap', async () => {
    const { id } = await ada(() => dashboards.create({ name: 'S', widgets: [WIDGET] }));
    const own = (index: number) => [
      () => dashboards.update(id, { description: `${index}` }),
      () => dashboards.update(id, { name: `${index}` }),
      () => dashboards.updateLayout(id, []),
      () => app.get(WidgetRepository).create(id, WIDGET),
      () => dashboards.update(id.toUpperCase(), { widgets: [{ ...WIDGET, title: `${index}` }] }),
      () => dashboards.transferAllOwnership('ada', 'ada'),
      () => dashboards.import({ version: '1.0', name: `${index}` }, { onConflict: 'overwrite' }),
    ];
    const hosts = (index: number) =>
      em().transactional(async () => {
        await ada(() => dashboards.update(id, { description: `host ${index}` }));
        await ada(() => dashboards.update(id, { isPublic: index % 2 === 0 }));
      });
    for (let round = 0; round < 10; round += 1) {
      await Promise.allSettled([
        ...own(round).map((work) => ada<unknown>(work)),
        hosts(round),
        ...own(round + 1000).map((work) => ada<unknown>(work)),
        hosts(round + 1),
      ]);
    }
    const { version } = await ada(() => dashboards.get(id));
    const versions = events
      .filter((event) => (event.dashboardId ?? event.id) === id)
      .map((event) => event.versionAfter);
    expect(version).toBeGreaterThan(50);
    expect(versions).toEqual(Array.from({ length: version }, (_, index) => index + 1));
  });

  it('holds a change back while an earlier one of the record may be committed', () => {
    const feed = new InternalChangeFeed();
    const told: number[] = [];
    feed.subscribe(({ versionAfter }) => told.push(versionAfter!));
    const change = (versionBefore: number): ChangeEvent => ({
      tenantId: 'acme',
      schema: 'tenant_acme',
      userId: 'ada',
      kind: 'dashboard',
      action: 'updated',
      id: 'a',
      dashboardId: undefined,
      versionBefore,
      versionAfter: versionBefore + 1,
    });
    const announce = () => feed.announce([recordKey(change(1))]);
    const [first, second, failed] = [announce(), announce(), announce()];
    second([change(2)]);
    failed([]);
    expect(told).toEqual([]);
    first([change(1)]);
    expect(told).toEqual([2, 3]);
    feed.announce([recordKey(change(3))])([change(3)]);
    expect(told).toEqual([2, 3, 4]);
  });

  it('continues after a listener fails, until the subscription ends', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const calls: string[] = [];
    const ends = [
      app.get(ChangeFeed).subscribe(() => {
        throw new Error('broken');
      }),
      app.get(ChangeFeed).subscribe(async () => Promise.reject(new Error('broken later'))),
      app.get(ChangeFeed).subscribe(({ action }) => calls.push(action)),
    ];
    await ada(() => dashboards.create({ name: 'A' }));
    ends.forEach((end) => end());
    await ada(() => dashboards.create({ name: 'B' }));
    expect(calls).toEqual(['created']);
    expect(log).toHaveBeenCalledTimes(2);
    log.mockRestore();
  });
});
