import { Client, Pool } from 'pg';
import { describeCatalog } from '../../../test/support/catalog.js';
import { startPgBouncer } from '../../../test/support/pgbouncer.js';
import { TABLES_MD } from '../../../test/support/tables-md.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { CURRENCY, Fleet, Log, migration, ORDERS, statements, withHost } from './support/fleet.js';

const SERVER_CONNECTIONS = 6;
const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: SERVER_CONNECTIONS });

/** In transaction mode, with fewer connections to the server than there are clients. */
(bouncer === undefined ? describe.skip : describe)('TenantMigrator through PgBouncer', () => {
  let database: TestDatabase;
  let url: string;
  let pool: Pool;

  beforeAll(async () => {
    database = await TestDatabase.create();
    url = bouncer!.through(database.url);
    pool = new Pool({ connectionString: url, max: 12 });
  });
  afterAll(async () => {
    await pool.end();
    await bouncer!.stop();
    await database.close();
  });

  /** What a session keeps beyond its transactions, on each connection to the server. */
  async function sessionStates() {
    const clients = await Promise.all(
      Array.from({ length: SERVER_CONNECTIONS }, async () => {
        const client = new Client({ connectionString: url });
        await client.connect();
        // Each in a transaction at the same time: so each has a connection of its own.
        await client.query('BEGIN');
        return client;
      }),
    );
    const states = await Promise.all(
      clients.map(async (client) => {
        const { rows } = await client.query<Record<string, unknown>>(
          `SELECT pg_backend_pid() AS pid, current_setting('search_path') AS search_path, current_setting('lock_timeout') AS lock_timeout,
             current_setting('statement_timeout') AS statement_timeout, current_setting('default_transaction_isolation') AS isolation,
             (SELECT count(*)::int FROM pg_prepared_statements) AS prepared,
             (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
             (SELECT count(*)::int FROM pg_listening_channels()) AS channels`,
        );
        await client.query('ROLLBACK');
        await client.end();
        return rows[0]!;
      }),
    );
    expect(new Set(states.map(({ pid }) => pid)).size).toBe(SERVER_CONNECTIONS);
    return states.map(({ pid: _, ...state }) => state);
  }

  const CLEAN = {
    search_path: '"$user", public',
    lock_timeout: '0',
    statement_timeout: '0',
    isolation: 'read committed',
    prepared: 0,
    locks: 0,
    channels: 0,
  };

  async function expectCleanSessions(): Promise<void> {
    for (const state of await sessionStates()) {
      expect(state).toEqual(CLEAN);
    }
  }
  afterEach(expectCleanSessions);

  it('provisions, migrates, finds nothing to do, shows the status, and takes back', async () => {
    const fleet = new Fleet(database, 'pool', 40);
    const migrator = fleet.migrator({ database: pool, migrations: withHost(ORDERS, CURRENCY) });
    expect((await migrator.up({ createSchema: true, concurrency: 10 })).failures).toEqual([]);
    expect((await migrator.up({ concurrency: 10 })).counts).toMatchObject({ unchanged: 40 });
    expect(await migrator.status()).toMatchObject({ upToDate: true });
    const down = await migrator.down({ source: 'host', steps: 1, allowDataLoss: true, concurrency: 10 });
    expect(down.counts).toMatchObject({ reverted: 40 });
    expect((await migrator.plan()).affected).toBe(40);
    expect((await describeCatalog(database, 'pool_039')).filter((line) => line.includes('prismiq'))).toEqual(TABLES_MD);
  });

  it('does so on a MikroORM instance, with migrations that send statements by themselves', async () => {
    const orm = await database.orm({ clientUrl: url, pool: { max: 12 } });
    const fleet = new Fleet(database, 'orm', 20);
    const fill = migration('0003', async (self) => {
      await self.getEntityManager().transactional((em) => em.execute('INSERT INTO orders (id) VALUES (1)'));
    });
    const report = await fleet
      .migrator({ database: orm, migrations: withHost(ORDERS, CURRENCY, fill) })
      .up({ createSchema: true, concurrency: 10 });
    expect(report.failures).toEqual([]);
    expect(await database.query('SELECT currency FROM orm_019.orders')).toEqual([{ currency: 'EUR' }]);
  });

  it('builds indexes concurrently', async () => {
    const fleet = new Fleet(database, 'cic', 6);
    const index = migration(
      '0002',
      (self) => {
        const { config } = self as unknown as { config: { get(key: string): string } };
        self.addSql(
          `CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_id ON ${config.get('schema')}.orders (id) WHERE total > 0`,
        );
      },
      { transactional: false },
    );
    const report = await fleet
      .migrator({ database: pool, migrations: withHost(ORDERS, index) })
      .up({ createSchema: true, concurrency: 4 });
    expect(report.failures).toEqual([]);
    expect((await describeCatalog(database, 'cic_005')).some((line) => line.includes('orders_id'))).toBe(true);
  });

  it('fails as it should: by a lock, by an invalid statement, by a killed connection', async () => {
    const fleet = new Fleet(database, 'fails', 6);
    await fleet.migrator({ database: pool, migrations: withHost(ORDERS) }).up({ createSchema: true });
    await database.query('ALTER TABLE fails_001.orders ADD COLUMN currency text');
    const holder = await database.pool.connect();
    await holder.query('BEGIN; SELECT * FROM fails_004.orders');
    const log = new Log();
    const run = fleet
      .migrator({ database: pool, migrations: withHost(ORDERS, CURRENCY), lockTimeoutMs: 200, retries: 1 })
      .up({ ...log, onError: 'continue' });
    const report = await run;
    await holder.query('ROLLBACK');
    holder.release();
    expect(report.failures.map(({ tenantId, sqlState }) => [tenantId, sqlState]).sort()).toEqual([
      ['001', '42701'],
      ['004', '55P03'],
    ]);

    const slow = statements('0003', ['SELECT pg_sleep(1) AS fails_sleep']);
    const again = fleet
      .migrator({ database: pool, migrations: withHost(ORDERS, slow) })
      .up({ tenants: ['000', '002'], concurrency: 2 });
    const asleep = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    await database.waitFor(async () => (await database.query(asleep)).length > 0);
    await database.query(`SELECT pg_terminate_backend(pid) FROM (${asleep}) AS sleeping`);
    expect((await again).counts).toMatchObject({ migrated: 2, failed: 0 });
  });
});
