import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from '@mikro-orm/migrations';
import { catalogOf } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { Fleet, Log, migration, ORDERS, statements, withHost } from './support/fleet.js';

describe('a migration outside of a transaction', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  const schemaOf = (self: Migration): string =>
    (self as unknown as { config: { get(key: string): string } }).config.get('schema');
  const concurrent = (name: string, sql: (schema: string) => string, down?: (schema: string) => string) =>
    migration(name, (self) => self.addSql(sql(schemaOf(self))), {
      down: (self) => self.addSql(down!(schemaOf(self))),
      transactional: false,
    });
  const INDEX = concurrent(
    '0002_index',
    (schema) =>
      `CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_unique ON "${schema}".orders (total) WHERE total > 0`,
    (schema) => `DROP INDEX CONCURRENTLY IF EXISTS "${schema}".orders_unique`,
  );
  const LATER = statements('0003_later', ['ALTER TABLE orders ADD COLUMN note text']);
  const indexesOf = async (schema: string) =>
    (
      await database.query<{ name: string; valid: boolean }>(
        `SELECT i.relname AS name, x.indisvalid AS valid FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
         WHERE i.relnamespace = $1::regnamespace AND i.relname = 'orders_unique'`,
        [schema],
      )
    ).map(({ valid }) => valid);
  const historyOf = async (schema: string) =>
    (await database.query<{ name: string }>(`SELECT name FROM ${schema}.mikro_orm_migrations ORDER BY id`)).map(
      ({ name }) => name,
    );

  it.each(['a pg pool', 'a MikroORM instance'])(
    'stands between transactions, in many tenants at once, on %s',
    async (kind) => {
      const fleet = new Fleet(database, kind === 'a pg pool' ? 'cic_pool' : 'cic_orm', 8);
      const target = kind === 'a pg pool' ? database.pool : await database.orm({ pool: { max: 6 } });
      const log = new Log();
      const report = await fleet
        .migrator({ database: target, migrations: withHost(ORDERS, INDEX, LATER) })
        .up({ ...log, createSchema: true, concurrency: 4 });
      expect(report.failures).toEqual([]);
      expect(report.counts).toMatchObject({ migrated: 8 });
      for (const schema of fleet.schemas) {
        expect(await indexesOf(schema)).toEqual([true]);
        expect(await historyOf(schema)).toEqual(['0001_orders', '0002_index', '0003_later']);
        expect((await catalogOf(database, schema)).some((line) => line.includes('orders.note'))).toBe(true);
      }
      expect(log.results[0]!.migrations.slice(-3)).toEqual(['host:0001_orders', 'host:0002_index', 'host:0003_later']);

      const migrator = fleet.migrator({ database: target, migrations: withHost(ORDERS, INDEX) });
      expect(
        (
          await fleet
            .migrator({ migrations: withHost(ORDERS, INDEX, LATER) })
            .down({ source: 'host', to: '0002_index', allowDataLoss: true })
        ).counts,
      ).toMatchObject({ reverted: 8 });
      expect((await migrator.down({ source: 'host', steps: 1 })).counts).toMatchObject({ reverted: 8 });
      expect(await indexesOf(fleet.schemas[0]!)).toEqual([]);
    },
  );

  it('that fails leaves no invalid index behind, and what came before it', async () => {
    const fleet = new Fleet(database, 'cic_fail', 1);
    const migrator = fleet.migrator({ migrations: withHost(ORDERS, INDEX, LATER) });
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    await database.query('INSERT INTO cic_fail_000.orders (id, total) VALUES (1, 5), (2, 5)');
    const { failures } = await migrator.up();
    expect(failures[0]).toMatchObject({
      sqlState: '23505',
      to: { host: '0001_orders' },
      message: expect.stringMatching(/host:0002_index failed: .*CREATE UNIQUE INDEX CONCURRENTLY/),
    });
    expect(await indexesOf('cic_fail_000')).toEqual([]);
    await database.query('UPDATE cic_fail_000.orders SET total = id');
    expect((await migrator.up()).counts).toMatchObject({ migrated: 1 });
    expect(await indexesOf('cic_fail_000')).toEqual([true]);
  });

  it('makes an index anew that a killed process has left invalid; status names it', async () => {
    const fleet = new Fleet(database, 'cic_left', 1);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    await database.query('INSERT INTO cic_left_000.orders (id, total) VALUES (1, 5), (2, 5)');
    await expect(
      database.query('CREATE UNIQUE INDEX CONCURRENTLY orders_unique ON cic_left_000.orders (total) WHERE total > 0'),
    ).rejects.toThrow(/could not create unique index/);
    expect(await indexesOf('cic_left_000')).toEqual([false]);
    const migrator = fleet.migrator({ migrations: withHost(ORDERS, INDEX) });
    expect((await migrator.status()).drifted).toMatchObject([
      { tenantId: '000', message: expect.stringContaining('orders_unique') },
    ]);
    await database.query('UPDATE cic_left_000.orders SET total = id');
    expect((await migrator.up()).counts).toMatchObject({ migrated: 1 });
    expect(await indexesOf('cic_left_000')).toEqual([true]);
  });

  it('does not wait for itself, nor for one that waits for the schema’s lock', async () => {
    const fleet = new Fleet(database, 'cic_self', 1);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    // Holds the build up for a while, as an old snapshot does.
    const holder = await database.pool.connect();
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await holder.query('SELECT 1');
    const run = fleet.migrator({ migrations: withHost(ORDERS, INDEX), lockTimeoutMs: 400 }).up();
    await sleep(200);
    // As ensureTables does, it waits for the migration, with a snapshot that the migration's index waits for.
    const key = `('x' || left(encode(sha256('prismiq/cic_self_000'), 'hex'), 16))::bit(64)::bigint`;
    const waiting = database.query(`SELECT pg_advisory_xact_lock(${key})`);
    await sleep(200);
    await holder.query('ROLLBACK');
    holder.release();
    await waiting;
    expect((await run).failures).toEqual([]);
    expect(await indexesOf('cic_self_000')).toEqual([true]);
  });

  it('gives way when it waits for a lock for too long', async () => {
    const fleet = new Fleet(database, 'cic_held', 1);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    const holder = await database.pool.connect();
    await holder.query('BEGIN; INSERT INTO cic_held_000.orders (id) VALUES (1)');
    const log = new Log();
    const { failures } = await fleet
      .migrator({ migrations: withHost(ORDERS, INDEX), lockTimeoutMs: 300, retries: 1 })
      .up(log);
    expect(failures[0]).toMatchObject({ sqlState: '55P03', attempts: 2 });
    expect(log.of('tenant-retry')).toHaveLength(1);
    await holder.query('ROLLBACK');
    holder.release();
    // What it has begun cannot be dropped either while the lock is held; the next run does.
    expect((await fleet.migrator({ migrations: withHost(ORDERS, INDEX) }).up()).counts).toMatchObject({ migrated: 1 });
    expect(await indexesOf('cic_held_000')).toEqual([true]);
  });

  it.each([
    ['names no schema', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (id)', /has to name the schema/],
    [
      'names another schema',
      'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON public.orders (id)',
      /has to name the schema/,
    ],
    ['cannot be repeated', 'CREATE INDEX CONCURRENTLY i ON $.orders (id)', /IF NOT EXISTS/],
    ['cannot be repeated down', 'DROP INDEX CONCURRENTLY $.i', /IF EXISTS/],
  ])('is refused if it %s', async (how, sql, reason) => {
    const fleet = new Fleet(database, `cic_${how.replaceAll(' ', '_')}`, 1);
    const next = concurrent('0002', (schema) => sql.replace('$', schema));
    const { failures } = await fleet.migrator({ migrations: withHost(ORDERS, next) }).up({ createSchema: true });
    expect(failures[0]).toMatchObject({ code: 'MIGRATION_REFUSED', message: expect.stringMatching(reason) });
  });
});
