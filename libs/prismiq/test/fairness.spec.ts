import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import request from 'supertest';
import {
  DashboardRepository,
  ensureTables,
  InvalidOptionsError,
  PrismiqModule,
  RecordBusyError,
  SavedQueryRepository,
  TenantBusyError,
  TenantContext,
  WidgetRepository,
  type Dashboard,
  type PrismiqConnectionOptions,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { bearer, boot, ormModule, resolver, TokenGuard } from './support/host.js';
import { countLockWaits, holdLock, lockWaits } from './support/locks.js';

const POOL = 10;
const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const WIDGET = { type: 'text' as const, title: 'W', position: { x: 0, y: 0, w: 1, h: 1 } };

/** What becomes of a call, so that a test can see whether it has ended. */
function watch(call: Promise<unknown>) {
  const watched = { hasEnded: false, outcome: call.catch((error: unknown) => error) };
  void watched.outcome.then(() => {
    watched.hasEnded = true;
  });
  return watched;
}

describe('one tenant does not starve the others', () => {
  let database: TestDatabase;
  let app: INestApplication;
  /** The largest number of connections in use at a time. */
  let peak: number;

  const start = async (connections?: PrismiqConnectionOptions) => {
    let inUse = 0;
    const onPoolCreated = (pool: Pool) => {
      pool.on('acquire', () => {
        peak = Math.max(peak, (inUse += 1));
      });
      pool.on('release', () => {
        inUse -= 1;
      });
    };
    app = await boot({
      imports: [
        ormModule(database, { pool: { max: POOL }, driverOptions: { onPoolCreated } }),
        PrismiqModule.forRoot({ resolver, connections, controllers: { guards: [TokenGuard] } }),
      ],
    });
  };

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    await ensureTables(database.pool, { schema: 'tenant_globex', createSchema: true });
  });
  beforeEach(() => {
    peak = 0;
  });
  afterEach(async () => {
    await app.close();
    await database.query(
      `DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_globex.prismiq_dashboards;
       DELETE FROM tenant_acme.prismiq_saved_queries`,
    );
  });
  afterAll(() => database.close());

  const as =
    (tenantId: string) =>
    <T>(work: () => Promise<T>): Promise<T> =>
      app.get(TenantContext).runInTenant({ tenantId, userId: 'ada' }, work);
  const acme = as('acme');
  const globex = as('globex');
  const dashboards = () => app.get(DashboardRepository);
  const make = (count: number): Promise<Dashboard[]> =>
    Promise.all(
      Array.from({ length: count }, (_, i) => acme(() => dashboards().create({ name: `${i}`, widgets: [WIDGET] }))),
    );
  const LOCK_ALL = 'SELECT 1 FROM tenant_acme.prismiq_dashboards FOR UPDATE';

  it('whose record is locked: its writes use one connection, and fail after a while', async () => {
    await start({ lockTimeoutMs: 300, waitTimeoutMs: 300 });
    const [board] = (await make(1)) as [Dashboard];
    const lock = await holdLock(database, LOCK_ALL);
    const widgets = app.get(WidgetRepository);
    const position = { x: 1, y: 1, w: 1, h: 1 };
    const writes = Array.from({ length: 10 }, () => [
      acme(() => dashboards().update(board.id, { description: 'd' })),
      acme(() => dashboards().updateLayout(board.id, [{ widgetId: board.widgets[0]!.id, position }])),
      acme(() => widgets.create(board.id.toUpperCase(), WIDGET)),
      acme(() => dashboards().delete(board.id)),
    ])
      .flat()
      .map(watch);
    await lockWaits(database, 1);
    const own = await globex(() => dashboards().create({ name: 'G' }));
    expect(await globex(() => dashboards().list())).toEqual([own]);
    expect(await acme(() => dashboards().list())).toEqual([board]);
    expect(await countLockWaits(database)).toBeLessThanOrEqual(1);
    for (const error of await Promise.all(writes.map(({ outcome }) => outcome))) {
      expect(error).toBeInstanceOf(RecordBusyError);
      expect(error).toMatchObject({ statusCode: 503, tenantId: 'acme', kind: 'dashboard' });
      expect((error as Error).message.toLowerCase()).toContain(board.id);
    }
    await lock.release();
    expect(await acme(() => dashboards().get(board.id))).toEqual(board);
  });

  it('whose records are all locked: its writes use half of the connections', async () => {
    await start({ lockTimeoutMs: 60_000 });
    const boards = await make(20);
    const lock = await holdLock(database, LOCK_ALL);
    const writes = boards.map(({ id }) => watch(acme(() => dashboards().update(id, { widgets: [WIDGET, WIDGET] }))));
    await lockWaits(database, POOL / 2);
    for (let i = 0; i < 20; i += 1) {
      const { id } = await globex(() => dashboards().create({ name: `${i}` }));
      await globex(() => dashboards().update(id, { description: 'd' }));
      await globex(() => dashboards().updateLayout(id, []));
    }
    expect(writes.filter(({ hasEnded }) => hasEnded)).toEqual([]);
    expect(await countLockWaits(database)).toBe(POOL / 2);
    await lock.release();
    for (const outcome of await Promise.all(writes.map((write) => write.outcome))) {
      expect(outcome).toMatchObject({ version: 2 });
    }
  });

  it('that changes one dashboard 60 times at once: on one connection, none lost', async () => {
    await start();
    const [board] = (await make(1)) as [Dashboard];
    peak = 0;
    const saved = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        acme(() =>
          dashboards().updateLayout(board.id, [
            { widgetId: board.widgets[0]!.id, position: { x: i + 1, y: 0, w: 1, h: 1 } },
          ]),
        ),
      ),
    );
    expect(saved.map(({ version }) => version)).toEqual(Array.from({ length: 60 }, (_, i) => i + 2));
    expect(peak).toBe(1);
  });

  it('that does everything at once: on its share of the connections, reads included', async () => {
    await start({ perTenant: 3 });
    const boards = await make(12);
    peak = 0;
    await Promise.all([
      ...boards.flatMap(({ id }, i) => [
        acme(() => dashboards().get(id)),
        acme(() => dashboards().list()),
        acme(() => dashboards().listSummaries()),
        acme(() => dashboards().duplicate(id)),
        acme(() => dashboards().update(id, { name: `new ${i}` })),
        acme(() => app.get(WidgetRepository).list(id)),
        acme(() => app.get(SavedQueryRepository).create({ name: `${i}`, query: QUERY })),
      ]),
    ]);
    expect(peak).toBe(3);
  });

  it('that has used its share for too long: it is refused, and told when to try again', async () => {
    await start({ perTenant: 1, waitTimeoutMs: 50, lockTimeoutMs: 60_000 });
    const [board] = (await make(1)) as [Dashboard];
    const lock = await holdLock(database, LOCK_ALL);
    const first = acme(() => dashboards().delete(board.id));
    await lockWaits(database, 1);
    await expect(acme(() => dashboards().get(board.id))).rejects.toThrow(TenantBusyError);
    const answer = await request(app.getHttpServer())
      .get(`/prismiq/dashboards/${board.id}`)
      .set('Authorization', bearer('acme', 'ada'));
    expect([answer.status, answer.headers['retry-after'], answer.body.code]).toEqual([503, '1', 'TENANT_BUSY']);
    const other = await request(app.getHttpServer())
      .get('/prismiq/dashboards')
      .set('Authorization', bearer('globex', 'ada'));
    expect(other.status).toBe(200);
    await lock.release();
    await first;
  });

  it('calls inside a host’s transaction do not queue behind those that wait for it', async () => {
    await start({ perTenant: 1, lockTimeoutMs: 60_000, waitTimeoutMs: 60_000 });
    const [board] = (await make(1)) as [Dashboard];
    const runOutside = AsyncLocalStorage.snapshot();
    const outside = await app
      .get(MikroORM)
      .em.fork()
      .transactional(async () => {
        await acme(() => dashboards().update(board.id, { description: 'inside' }));
        const waiting = [1, 2].map((i) =>
          watch(runOutside(() => acme(() => dashboards().update(board.id, { layout: { columns: i } })))),
        );
        await lockWaits(database, 1);
        await acme(() => dashboards().update(board.id, { name: 'still inside' }));
        expect(await acme(() => dashboards().get(board.id))).toMatchObject({ version: 3 });
        expect(waiting.some(({ hasEnded }) => hasEnded)).toBe(false);
        return waiting;
      });
    await Promise.all(outside.map(({ outcome }) => outcome));
    expect(await acme(() => dashboards().get(board.id))).toMatchObject({ version: 5, name: 'still inside' });
  });

  it.each([{ perTenant: 0 }, { waitTimeoutMs: 0 }, { lockTimeoutMs: 1.5 }, { connections: 3 }, 7])(
    'refuses the option %j',
    async (connections) => {
      await start();
      expect(() => PrismiqModule.forRoot({ connections: connections as never })).toThrow(InvalidOptionsError);
    },
  );
});
