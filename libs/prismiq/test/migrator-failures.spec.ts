import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type PoolClient } from 'pg';
import { describeCatalog } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { CURRENCY, Fleet, Log, migration, ORDERS, statements, withHost } from './support/fleet.js';

const HOLDS_ORDERS = `SELECT 1 FROM pg_locks WHERE relation = 'dead_000.orders'::regclass AND mode = 'AccessExclusiveLock' AND granted`;

describe('a tenant that cannot be migrated', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  /** Tenants that have orders, and to which CURRENCY is still to come. */
  async function fleetWithOrders(prefix: string, tenants = 6): Promise<Fleet> {
    const fleet = new Fleet(database, prefix, tenants);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    return fleet;
  }

  /** Somebody who has something locked. */
  async function holding<T>(sql: string, work: (holder: PoolClient) => Promise<T>): Promise<T> {
    const holder = await database.pool.connect();
    try {
      await holder.query('BEGIN');
      await holder.query(sql);
      return await work(holder);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
  }

  const hasCurrency = async (schema: string) =>
    (await describeCatalog(database, schema)).some((line) => line.includes('orders.currency'));

  it.each([
    [
      'a conflicting object',
      `ALTER TABLE $.orders ADD COLUMN currency integer`,
      CURRENCY,
      '42701',
      'ALTER TABLE $.orders DROP COLUMN currency',
    ],
    [
      'bad data',
      `INSERT INTO $.orders (id, total) VALUES (1, NULL)`,
      statements('0002_total', ['ALTER TABLE orders ALTER COLUMN total SET NOT NULL']),
      '23502',
      'DELETE FROM $.orders',
    ],
    [
      'a value out of range',
      `INSERT INTO $.orders (id, total) VALUES (1, 100000)`,
      statements('0002_small', ['ALTER TABLE orders ALTER COLUMN total TYPE smallint']),
      '22003',
      'DELETE FROM $.orders',
    ],
  ])(
    'because of %s is named with its SQLSTATE, and alone to be done after the repair',
    async (_what, spoil, next, sqlState, repair) => {
      const prefix = `f_${sqlState}`;
      const fleet = await fleetWithOrders(prefix);
      const [, , victim] = fleet.schemas as [string, string, string];
      await database.query(spoil.replaceAll('$', victim));
      const before = await describeCatalog(database, victim);
      const migrator = fleet.migrator({ migrations: withHost(ORDERS, next) });

      const report = await migrator.up({ onError: 'continue' });
      expect(report.counts).toMatchObject({ migrated: 5, failed: 1, skipped: 0 });
      expect(report.stopped).toBeUndefined();
      expect(report.failures).toMatchObject([
        {
          tenantId: '002',
          schema: victim,
          code: 'MIGRATION_FAILED',
          sqlState,
          attempts: 1,
          to: { host: '0001_orders' },
          message: expect.stringMatching(
            new RegExp(`Migration host:${next.name} failed: .* The statement is: ALTER TABLE orders`),
          ),
        },
      ]);
      expect(await describeCatalog(database, victim)).toEqual(before);

      await database.query(repair.replaceAll('$', victim));
      const log = new Log();
      expect((await migrator.up(log)).counts).toMatchObject({ migrated: 1, unchanged: 5 });
      expect(log.of('tenant-started').map(({ tenantId }) => tenantId)).toEqual(['002']);
    },
  );

  it('because another table’s index has its name: the table is named, and nothing is recorded', async () => {
    const fleet = new Fleet(database, 'occupied', 1);
    await database.query(
      'CREATE SCHEMA occupied_000; CREATE TABLE occupied_000.t (a int); CREATE INDEX idx_widgets_dashboard_id ON occupied_000.t (a)',
    );
    const before = await describeCatalog(database, 'occupied_000');
    const { failures } = await fleet.migrator().up();
    expect(failures[0]).toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message: expect.stringContaining('an index of table t'),
    });
    expect(await describeCatalog(database, 'occupied_000')).toEqual(before);
  });

  it('because a table is locked: it gives way after the time-out, is retried, and lets others through', async () => {
    const fleet = await fleetWithOrders('held');
    const migrator = fleet.migrator({ migrations: withHost(ORDERS, CURRENCY), lockTimeoutMs: 150, retries: 2 });
    await holding('SELECT * FROM held_003.orders', async () => {
      const log = new Log();
      const started = performance.now();
      const run = migrator.up({ ...log, onError: 'continue' });
      await sleep(60);
      // Queues behind the migration that waits, and no longer than that does.
      await database.query('SELECT * FROM held_003.orders');
      expect(performance.now() - started).toBeLessThan(2000);
      const report = await run;
      expect(report.counts).toMatchObject({ migrated: 5, failed: 1 });
      expect(report.failures[0]).toMatchObject({ tenantId: '003', sqlState: '55P03', attempts: 3 });
      expect(report.failures[0]!.message).toMatch(/host:0002_currency/);
      expect(log.of('tenant-retry').map(({ attempt, sqlState }) => [attempt, sqlState])).toEqual([
        [1, '55P03'],
        [2, '55P03'],
      ]);
    });
    expect((await migrator.up()).counts).toMatchObject({ migrated: 1, unchanged: 5 });
  });

  it('at first: it is done as soon as the lock is released', async () => {
    const fleet = await fleetWithOrders('released', 1);
    const migrator = fleet.migrator({ migrations: withHost(ORDERS, CURRENCY), lockTimeoutMs: 100, retries: 5 });
    await holding('SELECT * FROM released_000.orders', async (holder) => {
      const log = new Log();
      const onEvent: Log['onEvent'] = (event) => {
        log.onEvent(event);
        if (event.type === 'tenant-retry') void holder.query('ROLLBACK');
      };
      expect((await migrator.up({ onEvent })).counts).toMatchObject({ migrated: 1 });
      expect(log.results[0]!.attempts).toBeGreaterThan(1);
    });
  });

  it('because another process works on it: it is left for later, and reported if that takes too long', async () => {
    const fleet = new Fleet(database, 'busy', 3);
    await fleet.migrator().up({ createSchema: true });
    const migrator = fleet.migrator({ migrations: withHost(ORDERS), lockTimeoutMs: 100, retries: 1 });
    const waitForOthersMs = 300;
    const key = `('x' || left(encode(sha256('prismiq/busy_001'), 'hex'), 16))::bit(64)::bigint`;
    await holding(`SELECT pg_advisory_xact_lock(${key})`, async () => {
      const report = await migrator.up({ onError: 'continue', waitForOthersMs });
      expect(report.counts).toMatchObject({ migrated: 2, failed: 1 });
      expect(report.failures[0]).toMatchObject({ tenantId: '001', code: 'TENANT_LOCKED', sqlState: '55P03' });
    });
    await holding(`SELECT pg_advisory_xact_lock(${key})`, async (holder) => {
      setTimeout(() => void holder.query('ROLLBACK'), 60);
      expect((await migrator.up()).counts).toMatchObject({ migrated: 1, unchanged: 2, failed: 0 });
    });
  });

  it('ends the run by default: tenants in progress are finished, the others are skipped', async () => {
    const fleet = await fleetWithOrders('stops', 30);
    await database.query('ALTER TABLE stops_000.orders ADD COLUMN currency integer');
    const report = await fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) }).up({ concurrency: 2 });
    expect(report.stopped).toMatchObject({ reason: 'failure', message: expect.stringContaining('"000"') });
    expect(report.counts.failed).toBe(1);
    expect(report.counts.skipped).toBeGreaterThan(0);
    expect(report.counts.migrated + report.counts.skipped).toBe(29);
    const done = await Promise.all(fleet.schemas.slice(1).map(hasCurrency));
    expect(done.filter(Boolean)).toHaveLength(report.counts.migrated);
  });

  it('is one of as many as maxFailures allows', async () => {
    const fleet = await fleetWithOrders('max', 10);
    const broken = statements('0002', ['SELECT * FROM nothing']);
    const report = await fleet
      .migrator({ migrations: withHost(ORDERS, broken) })
      .up({ concurrency: 1, onError: 'continue', maxFailures: 3 });
    expect(report.counts).toMatchObject({ failed: 3, skipped: 7 });
    expect(report.failures[0]).toMatchObject({ sqlState: '42P01' });
  });

  it('because of a statement that takes too long', async () => {
    const fleet = await fleetWithOrders('slow', 1);
    const { failures } = await fleet
      .migrator({ migrations: withHost(ORDERS, statements('0002', ['SELECT pg_sleep(5)'])), statementTimeoutMs: 100 })
      .up();
    expect(failures[0]).toMatchObject({ sqlState: '57014', message: expect.stringContaining('host:0002') });
  });

  it('because the host’s code throws', async () => {
    const fleet = await fleetWithOrders('throws', 2);
    const broken = migration('0002', () => {
      throw new TypeError('x is not a function');
    });
    const report = await fleet.migrator({ migrations: withHost(ORDERS, broken) }).up({ onError: 'continue' });
    expect(report.failures).toHaveLength(2);
    expect(report.failures[0]!.message).toMatch(/Migration host:0002 failed: x is not a function/);
  });

  it('because of a deadlock: it is retried', async () => {
    const fleet = await fleetWithOrders('dead', 1);
    await database.query('CREATE TABLE dead_000.other (a int)');
    const crossing = statements('0002', [
      'LOCK TABLE orders IN ACCESS EXCLUSIVE MODE',
      'SELECT pg_sleep(0.3)',
      'LOCK TABLE other IN ACCESS EXCLUSIVE MODE',
    ]);
    const log = new Log();
    // The other side is patient, so that it is the migration that PostgreSQL finds in the circle.
    await holding(`SET LOCAL deadlock_timeout = '10s'; LOCK TABLE dead_000.other`, async (holder) => {
      const run = fleet.migrator({ migrations: withHost(ORDERS, crossing), lockTimeoutMs: 10_000 }).up(log);
      while ((await database.query(HOLDS_ORDERS)).length === 0) await sleep(10);
      await holder.query('LOCK TABLE dead_000.orders');
      await holder.query('ROLLBACK');
      expect((await run).counts).toMatchObject({ migrated: 1 });
    });
    expect(log.of('tenant-retry')[0]).toMatchObject({ sqlState: '40P01' });
  });

  it.each(['a pg pool', 'a MikroORM instance'])(
    'because its connection was ended is tried again, on %s',
    async (kind) => {
      const name = kind === 'a pg pool' ? 'ended_pool' : 'ended_orm';
      const fleet = await fleetWithOrders(name, 3);
      const pool = new Pool({ connectionString: database.url, max: 6 });
      pool.on('error', () => undefined);
      const target = kind === 'a pg pool' ? pool : await database.orm({ pool: { max: 6 } });
      const slow = statements('0002', ['SELECT pg_sleep(0.3)', 'CREATE TABLE after_sleep (a int)']);
      const log = new Log();
      const run = fleet
        .migrator({ database: target, migrations: withHost(ORDERS, slow) })
        .up({ ...log, concurrency: 2 });
      let ended: unknown[] = [];
      while (ended.length === 0) {
        await sleep(10);
        ended = await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE query LIKE '%after_sleep%' AND wait_event = 'PgSleep' AND datname = current_database()`,
        );
      }
      expect((await run).counts).toMatchObject({ migrated: 3, failed: 0 });
      expect(log.of('tenant-retry').length).toBeGreaterThan(0);
      // All connections are back, or replaced.
      expect(
        (await fleet.migrator({ database: target, migrations: withHost(ORDERS, slow) }).up()).counts,
      ).toMatchObject({ unchanged: 3 });
      await pool.end();
    },
  );

  it('does not delay an abort: tenants in progress are finished', async () => {
    const fleet = await fleetWithOrders('aborted', 10);
    const abort = new AbortController();
    const log = new Log();
    const report = await fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) }).up({
      concurrency: 2,
      signal: abort.signal,
      onEvent: (event) => {
        log.onEvent(event);
        if (log.of('tenant-started').length === 4) abort.abort();
      },
    });
    expect(report.stopped).toMatchObject({ reason: 'aborted' });
    expect(report.counts).toMatchObject({ failed: 0 });
    expect(report.counts.migrated).toBe(log.of('tenant-started').length);
    expect(report.counts.skipped).toBe(10 - report.counts.migrated);
    expect((await fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) }).up()).counts).toMatchObject({
      migrated: report.counts.skipped,
    });
  });
});
