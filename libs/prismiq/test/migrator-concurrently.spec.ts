import { Pool, type PoolConfig } from 'pg';
import type { NamedMigration, TenantMigrator } from '@prismiq/nestjs';
import { describeCatalog } from '../../../test/support/catalog.js';
import { startPgBouncer } from '../../../test/support/pgbouncer.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { Fleet, Log, ORDERS, statements, withHost } from './support/fleet.js';
import { concurrent, IndexBuilds, UNIQUE } from './support/index-builds.js';
import { LossyProxy } from './support/lossy-proxy.js';
import { serverSessions } from './support/server-sessions.js';
import { until } from './support/until.js';

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: 6 });

describe('a migration outside of a transaction', () => {
  let database: TestDatabase;
  let builds: IndexBuilds;
  beforeAll(async () => {
    database = await TestDatabase.create();
    builds = new IndexBuilds(database);
  });
  afterAll(async () => {
    await builds.close();
    await Promise.all(pools.map((pool) => pool.end()));
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await bouncer?.stop();
    await database.close();
  });
  const pools: Pool[] = [];
  const proxies: LossyProxy[] = [];
  const openPool = (config: PoolConfig) => {
    const pool = new Pool({ connectionString: database.url, max: 6, ...config });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  };

  const LATER = statements('0003_later', ['ALTER TABLE orders ADD COLUMN note text']);
  const isValid = async (schema: string) => (await builds.indexes(schema)).map(({ valid }) => valid);
  const readHistory = async (schema: string) =>
    (await database.query<{ name: string }>(`SELECT name FROM "${schema}".mikro_orm_migrations ORDER BY id`)).map(
      ({ name }) => name,
    );
  /** A tenant with orders, and the migrator for what comes next. */
  async function tenant(prefix: string, next: NamedMigration, options = {}) {
    const fleet = new Fleet(database, prefix, 1);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    return { schema: fleet.schemas[0]!, migrator: fleet.migrator({ migrations: withHost(ORDERS, next), ...options }) };
  }

  it.each(['a pg pool', 'a MikroORM instance'])(
    'stands between transactions, in many tenants at once, on %s',
    async (kind) => {
      const fleet = new Fleet(database, kind === 'a pg pool' ? 'cic_pool' : 'cic_orm', 8);
      const target = kind === 'a pg pool' ? database.pool : await database.orm({ pool: { max: 6 } });
      const log = new Log();
      const report = await fleet
        .migrator({ database: target, migrations: withHost(ORDERS, UNIQUE, LATER) })
        .up({ ...log, createSchema: true, concurrency: 4 });
      expect(report.failures).toEqual([]);
      expect(report.counts).toMatchObject({ migrated: 8 });
      for (const schema of fleet.schemas) {
        expect(await isValid(schema)).toEqual([true]);
        expect(await readHistory(schema)).toEqual(['0001_orders', '0002_unique', '0003_later']);
        expect((await describeCatalog(database, schema)).some((line) => line.includes('orders.note'))).toBe(true);
      }
      expect(log.results[0]!.migrations.slice(-3)).toEqual(['host:0001_orders', 'host:0002_unique', 'host:0003_later']);

      const migrator = fleet.migrator({ database: target, migrations: withHost(ORDERS, UNIQUE) });
      expect(
        (
          await fleet
            .migrator({ migrations: withHost(ORDERS, UNIQUE, LATER) })
            .down({ source: 'host', to: '0002_unique', allowDataLoss: true })
        ).counts,
      ).toMatchObject({ reverted: 8 });
      expect((await migrator.down({ source: 'host', steps: 1 })).counts).toMatchObject({ reverted: 8 });
      expect(await isValid(fleet.schemas[0]!)).toEqual([]);
    },
  );

  it('runs as the role that the host gives the connections of MikroORM', async () => {
    const role = `${database.name}_reader`;
    const orm = await database.orm({
      pool: { max: 6 },
      onCreateConnection: async (connection) => {
        await (connection as { executeQuery(query: object): Promise<unknown> }).executeQuery({
          sql: `SET ROLE ${role}`,
          parameters: [],
        });
      },
    });
    const { schema, migrator } = await tenant('cic_role', UNIQUE, { database: orm });
    await database.query(
      `CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${role}`,
    );
    expect((await migrator.up()).failures).toMatchObject([
      { message: expect.stringMatching(/must be owner of table/) },
    ]);
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  describe('that fails', () => {
    it('leaves no invalid index behind, and keeps the earlier migrations', async () => {
      const { schema, migrator } = await tenant('cic_fail', UNIQUE);
      await database.query(`INSERT INTO ${schema}.orders (id, total) VALUES (1, 5), (2, 5)`);
      const { failures } = await migrator.up();
      expect(failures[0]).toMatchObject({
        sqlState: '23505',
        to: { host: '0001_orders' },
        message: expect.stringMatching(/host:0002_unique failed: .*CREATE UNIQUE INDEX CONCURRENTLY/),
      });
      expect(await isValid(schema)).toEqual([]);
      await database.query(`UPDATE ${schema}.orders SET total = id`);
      expect((await migrator.up()).counts).toMatchObject({ migrated: 1 });
      expect(await isValid(schema)).toEqual([true]);
    });

    it('left an invalid index when its process was killed: status names it, and it is built again', async () => {
      const { schema, migrator } = await tenant('cic_left', UNIQUE);
      await database.query(`INSERT INTO ${schema}.orders (id, total) VALUES (1, 5), (2, 5)`);
      await expect(
        database.query(`CREATE UNIQUE INDEX CONCURRENTLY orders_unique ON ${schema}.orders (total) WHERE total > 0`),
      ).rejects.toThrow(/could not create unique index/);
      expect(await isValid(schema)).toEqual([false]);
      expect((await migrator.status()).drifted).toMatchObject([
        { tenantId: '000', message: expect.stringContaining('orders_unique') },
      ]);
      await database.query(`UPDATE ${schema}.orders SET total = id`);
      expect((await migrator.up()).counts).toMatchObject({ migrated: 1 });
      expect(await isValid(schema)).toEqual([true]);
    });

    it('left copies of indexes when REINDEX was canceled: they are dropped', async () => {
      const { schema, migrator } = await tenant(
        'cic_copies',
        concurrent('0002', () => 'REINDEX TABLE CONCURRENTLY orders'),
      );
      await database.query(`ALTER TABLE ${schema}.orders ADD COLUMN note text`);
      const holder = await builds.snapshot();
      const reindex = database.query(`/* prismiq by hand */ REINDEX TABLE CONCURRENTLY ${schema}.orders`);
      await Promise.all([
        expect(reindex).rejects.toThrow(/canceling statement/),
        builds.untilWaiting().then((pid) => database.query('SELECT pg_cancel_backend($1)', [pid])),
      ]);
      await holder.end();
      const copies = await builds.indexes(schema, '_cc(new|old)');
      expect(copies.length).toBeGreaterThan(2);
      expect((await migrator.up()).failures).toEqual([]);
      expect(await builds.indexes(schema, '_cc(new|old)')).toEqual([]);
    });
  });

  describe('that has to wait', () => {
    it.each([
      ['an old snapshot', () => builds.snapshot()],
      ['a write', (schema: string) => builds.hold(`BEGIN; INSERT INTO ${schema}.orders (id) VALUES (1)`)],
    ])('for %s is not canceled, and says what it waits for', async (kind, hold) => {
      const { schema, migrator } = await tenant(kind === 'a write' ? 'cic_write' : 'cic_snapshot', UNIQUE, {
        lockTimeoutMs: 1,
        retries: 0,
      });
      const holder = await hold(schema);
      const log = new Log();
      const run = migrator.up(log);
      const event = await until('the run says that it waits', () => log.of('tenant-waiting')[0]);
      expect(event).toMatchObject({ tenantId: '000', schema, reason: 'transactions' });
      expect(event.message).toContain(`process ${holder.pid} (${'the test itself'}, idle in transaction`);
      await holder.end();
      expect((await run).failures).toEqual([]);
      expect(await isValid(schema)).toEqual([true]);
    });

    it('for a lock on a table gives way, and names the holder', async () => {
      const { schema, migrator } = await tenant('cic_held', UNIQUE, { lockTimeoutMs: 100, retries: 1 });
      const holder = await builds.hold(`BEGIN; LOCK TABLE ${schema}.orders IN SHARE UPDATE EXCLUSIVE MODE`);
      const log = new Log();
      const { failures } = await migrator.up(log);
      expect(failures[0]).toMatchObject({
        sqlState: '55P03',
        attempts: 2,
        message: expect.stringContaining(`process ${holder.pid} (`),
      });
      expect(log.of('tenant-retry')).toHaveLength(1);
      await holder.end();
      expect((await migrator.up()).counts).toMatchObject({ migrated: 1 });
      expect(await isValid(schema)).toEqual([true]);
    });

    it('waits neither for itself nor for a process that waits for the schema’s lock', async () => {
      const { schema, migrator } = await tenant('cic_self', UNIQUE);
      const holder = await builds.snapshot();
      const run = migrator.up();
      await builds.untilWaiting();
      // As ensureTables does, it waits for the migration, with a snapshot.
      const key = `('x' || left(encode(sha256('prismiq/${schema}'), 'hex'), 16))::bit(64)::bigint`;
      const waiting = database.query(`SELECT pg_advisory_xact_lock(${key})`);
      await until(
        'it waits for the lock',
        async () =>
          (await database.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).length > 0,
      );
      await holder.end();
      await waiting;
      expect((await run).failures).toEqual([]);
      expect(await isValid(schema)).toEqual([true]);
    });
  });

  describe('with time-outs of the database and the driver', () => {
    const SETTINGS = ['statement_timeout', 'lock_timeout', 'search_path', 'default_transaction_read_only'];
    const LIMITED = {
      statement_timeout: '1s',
      lock_timeout: '1s',
      search_path: '"$user", public',
      default_transaction_read_only: 'off',
    };
    let limits: string[];
    /** Of new sessions; those of the test stay as they are. */
    const alterDatabase = async (change: (name: string) => string) => {
      for (const name of limits) {
        await database.query(`ALTER DATABASE ${database.name} ${change(name)}`);
      }
    };
    beforeAll(async () => {
      const names = ['statement_timeout', 'lock_timeout', 'transaction_timeout'];
      const found = await database.query<{ name: string }>('SELECT name FROM pg_settings WHERE name = ANY($1)', [
        names,
      ]);
      limits = found.map(({ name }) => name);
    });
    afterEach(() => alterDatabase((name) => `RESET ${name}`));

    /** Holds a build up until each of the time-outs would have ended it. */
    async function expectBuild(schema: string, migrator: TenantMigrator): Promise<void> {
      const holder = await builds.snapshot();
      await alterDatabase((name) => `SET ${name} = '1s'`);
      const run = migrator.up();
      const pid = await builds.untilWaiting();
      const isOld = `SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND clock_timestamp() - query_start > interval '1500 ms'`;
      await until('no time-out has ended it', async () => (await database.query(isOld, [pid])).length > 0);
      await holder.end();
      expect((await run).failures).toEqual([]);
      expect(await isValid(schema)).toEqual([true]);
    }

    it.each(['a pg pool', 'a MikroORM instance'])('takes as long as it takes, on %s', async (kind) => {
      const query_timeout = 1000;
      const { schema, migrator } = await tenant(kind === 'a pg pool' ? 'cic_time_pool' : 'cic_time_orm', UNIQUE, {
        database:
          kind === 'a pg pool'
            ? openPool({ query_timeout })
            : await database.orm({ pool: { max: 6 }, driverOptions: { query_timeout } }),
      });
      await expectBuild(schema, migrator);
    });

    (bouncer === undefined ? describe.skip : describe)('through PgBouncer', () => {
      it('runs without a time limit, and leaves nothing in a session, even when it fails', async () => {
        // It would end the transactions that look at the sessions.
        limits = limits.filter((name) => name !== 'transaction_timeout');
        const url = bouncer!.through(database.url);
        const through = openPool({ connectionString: url });
        const { schema, migrator } = await tenant('cic_time_bouncer', UNIQUE, { database: through });
        await expectBuild(schema, migrator);
        expect(await serverSessions(url, 6, SETTINGS)).toEqual(Array.from({ length: 6 }, () => LIMITED));

        const other = await tenant('cic_fail_bouncer', UNIQUE, { database: through });
        await database.query(`INSERT INTO ${other.schema}.orders (id, total) VALUES (1, 5), (2, 5)`);
        expect((await other.migrator.up()).failures).toMatchObject([{ sqlState: '23505' }]);
        expect(await isValid(other.schema)).toEqual([]);
        expect(await serverSessions(url, 6, SETTINGS)).toEqual(Array.from({ length: 6 }, () => LIMITED));
      });
    });
  });

  describe('is refused if it', () => {
    it.each([
      ['writes rows', ['UPDATE orders SET total = total * 2'], /cannot be repeated/],
      ['inserts', ['INSERT INTO "$".orders VALUES (2, 1)'], /cannot be repeated/],
      ['creates without IF NOT EXISTS', ['CREATE INDEX CONCURRENTLY i ON $.orders (id)'], /IF NOT EXISTS/],
      ['drops without IF EXISTS', ['DROP INDEX CONCURRENTLY $.i'], /IF EXISTS/],
      [
        'names another schema',
        ['CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON public.orders (id)'],
        /"public"\."(orders|i)"/,
      ],
      ['drops in another schema', ['DROP INDEX CONCURRENTLY IF EXISTS public.i'], /"public"\."i"/],
      ['concerns the whole database', ['VACUUM'], /names no table/],
      [
        'is one of several',
        ['CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (id)', 'DELETE FROM orders'],
        /DELETE/,
      ],
    ])('%s', async (how, sql, reason) => {
      const { schema, migrator } = await tenant(
        `cic_no_${how.replaceAll(' ', '_').toLowerCase()}`,
        concurrent('0002', (schema) => sql.map((statement) => statement.replace('$', schema))),
      );
      await database.query(`INSERT INTO ${schema}.orders VALUES (1, 5)`);
      const { failures } = await migrator.up();
      expect(failures[0]).toMatchObject({ code: 'MIGRATION_REFUSED', message: expect.stringMatching(reason) });
      expect(await database.query(`SELECT * FROM ${schema}.orders`)).toEqual([{ id: 1, total: 5 }]);
      expect(await builds.indexes(schema, '^i$')).toEqual([]);
    });

    it('names the schema of a tenant without quotes, which PostgreSQL reads as that of another', async () => {
      const fleet = new Fleet(database, 'cic', [{ tenantId: 'Acme' }, { tenantId: 'acme' }]);
      await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
      const unquoted = concurrent(
        '0002',
        (schema) => `CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_unique ON ${schema}.orders (total)`,
        (schema) => `DROP INDEX CONCURRENTLY IF EXISTS ${schema}.orders_unique`,
      );
      const quoted = concurrent(
        '0002',
        (schema) => `CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_unique ON "${schema}".orders (total)`,
        (schema) => `DROP INDEX CONCURRENTLY IF EXISTS "${schema}".orders_unique`,
      );
      const first = fleet.migrator({ migrations: withHost(ORDERS, unquoted) });
      const { failures } = await first.up({ tenants: ['Acme'] });
      expect(failures[0]).toMatchObject({
        code: 'MIGRATION_REFUSED',
        message: expect.stringContaining(`"\${this.config.get('schema')}"`),
      });
      expect(await isValid('cic_acme')).toEqual([]);
      expect(
        (await fleet.migrator({ migrations: withHost(ORDERS, quoted) }).up({ tenants: ['Acme', 'acme'] })).counts,
      ).toMatchObject({ migrated: 2 });
      expect((await first.down({ tenants: ['Acme'], source: 'host', steps: 1 })).failures).toHaveLength(1);
      expect(await isValid('cic_Acme')).toEqual([true]);
      expect(await isValid('cic_acme')).toEqual([true]);
    });
  });

  it('never mistakes a table or an index of a shared schema for the tenant’s', async () => {
    await database.query(
      `CREATE SCHEMA shared; CREATE TABLE shared.prices (a int); CREATE INDEX prices_a ON shared.prices (a)`,
    );
    const { migrator } = await tenant(
      'cic_shared',
      concurrent(
        '0002',
        () => 'CREATE INDEX CONCURRENTLY IF NOT EXISTS prices_b ON prices (a)',
        () => 'DROP INDEX CONCURRENTLY IF EXISTS prices_a',
      ),
      { searchPath: ['shared'] },
    );
    expect((await migrator.up()).failures[0]).toMatchObject({
      sqlState: '42P01',
      message: expect.stringContaining('"prices" does not exist in schema "cic_shared_000"'),
    });
    await database.query('CREATE TABLE cic_shared_000.prices (a int)');
    expect((await migrator.up()).counts).toMatchObject({ migrated: 1 });
    expect((await migrator.down({ source: 'host', steps: 1 })).counts).toMatchObject({ reverted: 1 });
    expect(await builds.indexes('shared', '^prices_')).toHaveLength(1);
    expect(await builds.indexes('cic_shared_000', '^prices_')).toHaveLength(1);
  });

  describe('that continues without its process', () => {
    it('is waited for, and its result is taken over', async () => {
      const { schema, migrator } = await tenant('cic_over', UNIQUE, { lockTimeoutMs: 1 });
      const holder = await builds.snapshot();
      const first = new Fleet(database, 'cic_over', 1).migrator({
        database: openPool({}),
        migrations: withHost(ORDERS, UNIQUE),
      });
      const firstRun = first.up();
      const build = await builds.untilWaiting();
      const oid = (await builds.indexes(schema))[0]!.oid;
      // The connection that holds the lock is lost. The run notices, and waits like any other for what it has begun.
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      const log = new Log();
      const secondRun = migrator.up(log);
      const event = await until('a run waits for the build', () => log.of('tenant-waiting')[0]);
      expect(event).toMatchObject({
        reason: 'running-statement',
        message: expect.stringContaining(`process ${build}`),
      });
      await holder.end();
      expect((await secondRun).failures).toEqual([]);
      expect((await firstRun).failures).toEqual([]);
      expect(await builds.indexes(schema)).toEqual([{ oid, valid: true }]);
      expect(await readHistory(schema)).toEqual(['0001_orders', '0002_unique']);
    });

    it('whose answer is lost silently is noticed to have ended', async () => {
      const proxy = await LossyProxy.start(database.url);
      proxies.push(proxy);
      const { schema, migrator } = await tenant('cic_silent', UNIQUE, {
        database: openPool({ connectionString: proxy.url }),
      });
      // The first COMMIT is that which is sent with the statement. The proxy keeps the connection open, as a firewall does.
      proxy.losses.splice(0, Infinity, 'answer');
      const log = new Log();
      expect((await migrator.up(log)).failures).toEqual([]);
      expect(log.of('tenant-retry')).toMatchObject([{ sqlState: '08006', message: expect.stringContaining('answer') }]);
      expect(await isValid(schema)).toEqual([true]);
    });

    it('is repeated if it fails', async () => {
      const { schema, migrator } = await tenant('cic_again', UNIQUE);
      const holder = await builds.snapshot();
      const orphan = database.query(
        `/* prismiq ${schema} */ CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_unique ON ${schema}.orders (total) WHERE total > 0`,
      );
      const build = await builds.untilWaiting();
      const oid = (await builds.indexes(schema))[0]!.oid;
      const log = new Log();
      const run = migrator.up(log);
      await until('the run waits for the build', () => log.of('tenant-waiting')[0]);
      await Promise.all([
        expect(orphan).rejects.toThrow(/canceling statement/),
        database.query('SELECT pg_cancel_backend($1)', [build]),
      ]);
      await holder.end();
      expect((await run).failures).toEqual([]);
      const [index] = await builds.indexes(schema);
      expect(index).toMatchObject({ valid: true });
      expect(index!.oid).not.toBe(oid);
    });

    it('is also recognized if it was started by hand', async () => {
      const { schema, migrator } = await tenant('cic_hand', UNIQUE);
      const holder = await builds.snapshot();
      const byHand = database.query(
        `/* by hand */ CREATE UNIQUE INDEX CONCURRENTLY orders_unique ON ${schema}.orders (total) WHERE total > 0`,
      );
      await until('it builds', async () => (await builds.indexes(schema))[0]);
      const oid = (await builds.indexes(schema))[0]!.oid;
      const log = new Log();
      const run = migrator.up(log);
      await until('the run waits for the build', () => log.of('tenant-waiting')[0]);
      await holder.end();
      await byHand;
      expect((await run).failures).toEqual([]);
      expect(await builds.indexes(schema)).toEqual([{ oid, valid: true }]);
    });
  });
});
