import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { ensureTables, type MigrationReport, type TenantResult } from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { CURRENCY, Fleet, indexMigration, Log, ORDERS, statements, withHost } from './support/fleet.js';
import { LossyProxy, type Loss } from './support/lossy-proxy.js';

const INDEX = indexMigration('0003_index');
const NOTE = statements(
  '0004_note',
  ['ALTER TABLE orders ADD COLUMN note text'],
  ['ALTER TABLE orders DROP COLUMN note'],
);

/** A run reports what the database says, however it ends. */
describe('the report of a run', () => {
  let database: TestDatabase;
  let proxy: LossyProxy;
  const pools: Pool[] = [];
  beforeAll(async () => {
    database = await TestDatabase.create();
    proxy = await LossyProxy.start(database.url);
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await proxy.stop();
    await database.close();
  });

  const poolTo = (url: string): Pool => {
    const pool = new Pool({ connectionString: url, max: 6, idleTimeoutMillis: 100 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  };
  const readHistory = async (schema: string): Promise<string[]> =>
    (await database.query<{ name: string }>(`SELECT name FROM ${schema}.mikro_orm_migrations ORDER BY name`)).map(
      ({ name }) => name,
    );
  const lockKey = (schema: string): string =>
    `('x' || left(encode(sha256('prismiq/${schema}'), 'hex'), 16))::bit(64)::bigint`;
  const until = async (sql: string): Promise<void> => {
    while ((await database.query(sql)).length === 0) await sleep(10);
  };

  /** Each tenant that was begun has ended once, and the counts say how. */
  function expectConsistent(report: MigrationReport, log: Log): void {
    const finished = log.results.map(({ schema }) => schema);
    expect(new Set(finished).size).toBe(finished.length);
    expect(log.of('tenant-started').filter(({ schema }) => !finished.includes(schema))).toEqual([]);
    const { skipped, ...counts } = report.counts;
    expect(skipped).toBe(report.total - finished.length);
    for (const [state, count] of Object.entries(counts)) {
      expect([state, log.results.filter((result) => result.state === state).length]).toEqual([state, count]);
    }
    expect(report.failures).toEqual(log.results.filter(({ state }) => state === 'failed'));
  }

  it('assumes nothing: one of 41 tenants with the same Prismiq tables lacks the host’s table', async () => {
    const fleet = new Fleet(database, 'assumed', 41);
    const others = fleet.entries.slice(0, 40).map(({ tenantId }) => tenantId);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ tenants: others, createSchema: true });
    await ensureTables(database.pool, { schema: 'assumed_040', createSchema: true });
    const report = await fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) }).up();
    expect(report.counts).toMatchObject({ migrated: 41, failed: 0 });
    for (const schema of fleet.schemas) {
      expect(await database.query(`SELECT currency FROM ${schema}.orders`)).toEqual([]);
    }
  });

  describe('while another process works on a tenant', () => {
    it('waits for it, regardless of its own lock time-out, and reports that once', async () => {
      const fleet = new Fleet(database, 'others', 2);
      await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
      const migrations = withHost(ORDERS, CURRENCY);
      const holder = await database.pool.connect();
      await holder.query('BEGIN; LOCK TABLE others_001.orders');
      const firstLog = new Log();
      const first = fleet.migrator({ migrations, lockTimeoutMs: 60_000 }).up(firstLog);
      await until(`SELECT 1 FROM pg_locks WHERE relation = 'others_001.orders'::regclass AND NOT granted`);
      while (firstLog.results.length === 0) await sleep(10);

      const log = new Log();
      const second = fleet.migrator({ migrations, lockTimeoutMs: 50, retries: 0 }).up(log);
      while (log.of('tenant-waiting').length === 0) await sleep(10);
      await sleep(400); // eight times its lock time-out
      expect(log.results.map(({ tenantId }) => tenantId)).not.toContain('001');
      await holder.query('ROLLBACK');
      holder.release();
      expect((await first).counts).toMatchObject({ migrated: 2, failed: 0 });
      const report = await second;
      expect(report.counts).toMatchObject({ unchanged: 2, failed: 0 });
      expect(log.of('tenant-waiting')).toMatchObject([
        { tenantId: '001', schema: 'others_001', reason: 'another-process' },
      ]);
      expect(log.result('001')).toMatchObject({ from: { host: '0002_currency' }, to: { host: '0002_currency' } });
      expectConsistent(report, log);
    });

    it('waits for an open transaction with ensureTables as well', async () => {
      const fleet = new Fleet(database, 'signup', 1);
      const client = await database.pool.connect();
      await client.query('BEGIN');
      await ensureTables(client, { schema: 'signup_000', createSchema: true });
      const log = new Log();
      const run = fleet.migrator({ lockTimeoutMs: 50, retries: 0 }).up({ ...log, createSchema: true });
      while (log.of('tenant-waiting').length === 0) await sleep(10);
      await client.query('COMMIT');
      client.release();
      expect((await run).counts).toMatchObject({ unchanged: 1 });
    });

    it('ends the wait when it is aborted', async () => {
      const fleet = new Fleet(database, 'aborts', 2);
      await fleet.migrator().up({ createSchema: true });
      const holder = await database.pool.connect();
      await holder.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey('aborts_001')})`);
      const abort = new AbortController();
      const log = new Log();
      const onEvent: Log['onEvent'] = (event) => {
        log.onEvent(event);
        if (event.type === 'tenant-waiting') abort.abort();
      };
      const report = await fleet.migrator({ migrations: withHost(ORDERS) }).up({ onEvent, signal: abort.signal });
      await holder.query('ROLLBACK');
      holder.release();
      expect(report.stopped).toMatchObject({ reason: 'aborted' });
      expect(log.result('001')).toMatchObject({
        state: 'interrupted',
        migrations: [],
        remaining: ['host:0001_orders'],
      });
      expectConsistent(report, log);
    });
  });

  it('stopped between two steps, reports what was committed and what is left', async () => {
    const fleet = new Fleet(database, 'between', 1);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    const holder = await database.pool.connect();
    const next = await database.pool.connect();
    await holder.query('BEGIN; LOCK TABLE between_000.orders');
    const abort = new AbortController();
    const log = new Log();
    const onEvent: Log['onEvent'] = (event) => {
      log.onEvent(event);
      if (event.type === 'tenant-waiting') abort.abort();
    };
    const run = fleet
      .migrator({ migrations: withHost(ORDERS, CURRENCY, INDEX), lockTimeoutMs: 60_000 })
      .up({ onEvent, signal: abort.signal });
    await until(`SELECT 1 FROM pg_locks WHERE relation = 'between_000.orders'::regclass AND NOT granted`);
    // It gets the schema's lock as soon as the first step is committed.
    const locked = next.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey('between_000')})`);
    await until(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
    await holder.query('ROLLBACK');
    await locked;
    const report = await run;
    await next.query('ROLLBACK');
    [holder, next].forEach((client) => client.release());
    expect(report).toMatchObject({ counts: { interrupted: 1, skipped: 0 }, stopped: { reason: 'aborted' } });
    expect(log.result('000')).toMatchObject({
      state: 'interrupted',
      from: { host: '0001_orders' },
      to: { host: '0002_currency' },
      migrations: ['host:0002_currency'],
      remaining: ['host:0003_index'],
    });
    expect(await readHistory('between_000')).toEqual(['0001_orders', '0002_currency']);
    expectConsistent(report, log);
  });

  describe('whose connection is lost at a COMMIT', () => {
    it.each<[Loss, number, Partial<TenantResult>, string[]]>([
      ['answer', 2, { state: 'migrated', migrations: ['host:0002_currency'] }, ['0001_orders', '0002_currency']],
      ['answer', 0, { state: 'migrated', migrations: ['host:0002_currency'] }, ['0001_orders', '0002_currency']],
      ['request', 2, { state: 'migrated', attempts: 2 }, ['0001_orders', '0002_currency']],
      ['request', 0, { state: 'failed', migrations: [], remaining: ['host:0002_currency'] }, ['0001_orders']],
    ])('and the %s with it, with %i retries, looks again', async (loss, retries, expected, history) => {
      const fleet = new Fleet(database, `lost_${loss}_${retries}`, 1);
      await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
      proxy.losses.push(loss);
      const log = new Log();
      const migrations = withHost(ORDERS, CURRENCY);
      const report = await fleet.migrator({ database: poolTo(proxy.url), migrations, retries }).up(log);
      expect(proxy.losses).toEqual([]);
      expect(log.result('000')).toMatchObject({ ...expected, from: { host: '0001_orders' } });
      expect(log.result('000').to).toMatchObject({ host: history.at(-1) });
      expect(await readHistory(fleet.schemas[0]!)).toEqual(history);
      expectConsistent(report, log);
    });

    it('adopts a tenant, and says so', async () => {
      const fleet = new Fleet(database, 'lost_adopted', 1);
      await fleet.migrator().up({ createSchema: true });
      await database.query('DROP TABLE lost_adopted_000.prismiq_migrations');
      proxy.losses.push('answer');
      const report = await fleet.migrator({ database: poolTo(proxy.url), retries: 0 }).up();
      expect(report.failures).toEqual([]);
      expect(report.counts).toMatchObject({ baselined: 1 });
    });
  });

  it('matches the database, whatever is killed, aborted, locked or lost', async () => {
    const RUNS = 12;
    const pool = poolTo(proxy.url);
    const migrations = withHost(ORDERS, CURRENCY, INDEX, NOTE);
    const fleet = new Fleet(database, 'random', 8);
    const random = (below: number): number => Math.floor(Math.random() * below);
    const histories = async (): Promise<Map<string, string[]>> =>
      new Map(
        await Promise.all(
          fleet.schemas.map(async (schema): Promise<[string, string[]]> => [
            schema,
            await readHistory(schema).catch(() => []),
          ]),
        ),
      );
    for (let index = 0; index < RUNS; index += 1) {
      const before = await histories();
      proxy.losses.splice(
        0,
        Infinity,
        ...Array.from({ length: 6 }, () => ([undefined, undefined, 'request', 'answer'] as const)[random(4)]),
      );
      const abort = new AbortController();
      const log = new Log();
      const onEvent: Log['onEvent'] = (event) => {
        log.onEvent(event);
        if (event.type === 'tenant-started' && random(8) === 0) abort.abort();
        if (event.type === 'tenant-started' && random(3) === 0) {
          void database.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = '' AND state <> 'idle' LIMIT 1`,
          );
        }
      };
      const options = { onEvent, signal: abort.signal, concurrency: 3, onError: 'continue' as const };
      const migrator = fleet.migrator({ database: pool, migrations, retries: random(3) });
      const report =
        index % 2 === 0
          ? await migrator.up({ ...options, createSchema: true })
          : await migrator.down({ ...options, source: 'host', steps: 1 + random(3), allowDataLoss: true });
      expectConsistent(report, log);
      const after = await histories();
      for (const { schema, to, migrations: done, state } of log.results) {
        const [earlier, later] = [before.get(schema)!, after.get(schema)!];
        if (to['host'] === undefined) continue; // it says that it does not know
        expect([schema, state, to['host']]).toEqual([schema, state, later.at(-1) ?? null]);
        const changed =
          index % 2 === 0
            ? later.filter((name) => !earlier.includes(name))
            : earlier.filter((name) => !later.includes(name)).toReversed();
        const own = done.filter((label) => label.startsWith('host:')).map((label) => label.slice('host:'.length));
        expect([schema, state, own]).toEqual([schema, state, changed]);
      }
      const untouched = fleet.schemas.filter((schema) => !log.results.some((result) => result.schema === schema));
      untouched.forEach((schema) => expect(after.get(schema)).toEqual(before.get(schema)));
    }
    expect(proxy.lost).toBeGreaterThan(0);
  });

  describe('down', () => {
    const four = [ORDERS, CURRENCY, INDEX, NOTE];

    it('takes back the requested number, across a migration outside of the transaction', async () => {
      const fleet = new Fleet(database, 'steps', 3);
      const migrator = fleet.migrator({ migrations: withHost(...four) });
      await migrator.up({ createSchema: true });
      const log = new Log();
      await migrator.down({ ...log, source: 'host', steps: 2, allowDataLoss: true });
      for (const schema of fleet.schemas) {
        expect(await readHistory(schema)).toEqual(['0001_orders', '0002_currency']);
      }
      expect(log.of('tenant-started')[0]).toMatchObject({ pending: ['host:0004_note', 'host:0003_index'] });
      expect(log.result('001')).toMatchObject({
        state: 'reverted',
        migrations: ['host:0004_note', 'host:0003_index'],
        remaining: [],
        to: { host: '0002_currency' },
      });
    });

    it('takes back no more than that after a lost connection', async () => {
      const fleet = new Fleet(database, 'steps_lost', 1);
      await fleet.migrator({ migrations: withHost(...four) }).up({ createSchema: true });
      proxy.losses.splice(0, Infinity, 'answer', 'request', 'answer');
      const log = new Log();
      await fleet
        .migrator({ database: poolTo(proxy.url), migrations: withHost(...four) })
        .down({ ...log, source: 'host', steps: 2, allowDataLoss: true });
      expect(await readHistory('steps_lost_000')).toEqual(['0001_orders', '0002_currency']);
      expect(log.result('000')).toMatchObject({
        state: 'reverted',
        migrations: ['host:0004_note', 'host:0003_index'],
      });
    });

    it('says what is left, and how to take it back, if it fails between two steps', async () => {
      const fleet = new Fleet(database, 'steps_left', 1);
      const migrator = fleet.migrator({ migrations: withHost(...four), lockTimeoutMs: 200, retries: 0 });
      await migrator.up({ createSchema: true });
      const holder = await database.pool.connect();
      await holder.query('BEGIN');
      const log = new Log();
      const onEvent: Log['onEvent'] = log.onEvent;
      // Blocks DROP INDEX CONCURRENTLY, and not ALTER TABLE in another schema.
      await holder.query('SELECT 1');
      await database.query('ALTER TABLE steps_left_000.orders DROP COLUMN currency');
      const report = await migrator.down({ onEvent, source: 'host', steps: 3, allowDataLoss: true });
      await holder.query('ROLLBACK');
      holder.release();
      expect(report.failures[0]).toMatchObject({
        migrations: ['host:0004_note', 'host:0003_index'],
        remaining: ['host:0002_currency'],
        to: { host: '0002_currency' },
        message: expect.stringMatching(/Left: host:0002_currency\. .*\{ source: "host", to: "0001_orders" \}/),
      });
    });

    it('stops if another process brings one back meanwhile', async () => {
      const fleet = new Fleet(database, 'steps_other', 1);
      const migrator = fleet.migrator({ migrations: withHost(...four) });
      await migrator.up({ createSchema: true });
      const holder = await database.pool.connect();
      await holder.query('BEGIN; LOCK TABLE steps_other_000.orders');
      const next = await database.pool.connect();
      const run = fleet
        .migrator({ migrations: withHost(...four), lockTimeoutMs: 60_000 })
        .down({ source: 'host', steps: 2, allowDataLoss: true });
      await until(`SELECT 1 FROM pg_locks WHERE relation = 'steps_other_000.orders'::regclass AND NOT granted`);
      const locked = next.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey('steps_other_000')})`);
      await until(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
      await holder.query('ROLLBACK');
      await locked;
      await next.query(
        `ALTER TABLE steps_other_000.orders ADD COLUMN note text;
         INSERT INTO steps_other_000.mikro_orm_migrations (name) VALUES ('0004_note'); COMMIT`,
      );
      const report = await run;
      [holder, next].forEach((client) => client.release());
      expect(report.failures[0]).toMatchObject({
        code: 'MIGRATION_TARGET',
        migrations: ['host:0004_note'],
        remaining: ['host:0003_index'],
        message: expect.stringContaining('another process has run host:0004_note'),
      });
      expect(await readHistory('steps_other_000')).toEqual(['0001_orders', '0002_currency', '0003_index', '0004_note']);
    });
  });
});
