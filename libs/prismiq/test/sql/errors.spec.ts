import { readFile } from 'node:fs/promises';
import { ensureTables, TenantMigrator, verifyTables } from '@prismiq/nestjs';
import { Client, Pool } from 'pg';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { WireProxy } from '../../../../test/support/wire-proxy.js';
import { Fleet, Log, migration, withHost } from '../support/fleet.js';

describe('an error of the database', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  let fleets = 0;
  /** The result of a host's migration that throws. */
  const reportFailure = async (name: string, work: Parameters<typeof migration>[1]) => {
    fleets += 1;
    const fleet = new Fleet(database, `errors${fleets}`, 1);
    const log = new Log();
    await fleet
      .migrator({ migrations: withHost(migration(name, work)), retries: 0 })
      .up({ createSchema: true, onEvent: log.onEvent });
    return log.result('000');
  };

  it('is not a connection failure if a file is missing', async () => {
    const result = await reportFailure('0001_seed', async () => void (await readFile('/nowhere/seed.sql')));
    expect(result).toMatchObject({ state: 'failed', message: expect.stringContaining('ENOENT') });
    expect(result.message).not.toContain('Cannot reach the database');
  });

  it('is a connection failure if the server is unreachable', async () => {
    await using pools = new AsyncDisposableStack();
    for (const [host, port] of [
      ['/nowhere', 5432],
      ['127.0.0.1', 1],
    ] as const) {
      const pool = pools.adopt(new Pool({ host, port }), (pool) => pool.end());
      await expect(ensureTables(pool, { schema: 'any' })).rejects.toMatchObject({
        code: 'CONNECTION_FAILED',
        statusCode: 503,
        message: expect.stringMatching(/^Cannot reach the database: .*Check that the server runs/),
      });
    }
  });

  it('says whose time limit it was', async () => {
    await using pools = new AsyncDisposableStack();
    const pool = (options: object) =>
      pools.adopt(new Pool({ connectionString: database.url, ...options }), (pool) => pool.end());
    const holder = await database.pool.connect();
    await holder.query('BEGIN; CREATE SCHEMA held');
    const timeout = { code: 'STATEMENT_TIMEOUT', statusCode: 503 };
    await expect(
      ensureTables(pool({ query_timeout: 300 }), { schema: 'held', createSchema: true }),
    ).rejects.toMatchObject({
      ...timeout,
      sqlState: undefined,
      message: expect.stringContaining('query_timeout'),
    });
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN; SET LOCAL statement_timeout = 100');
    await expect(ensureTables(client, { schema: 'held', createSchema: true })).rejects.toMatchObject({
      ...timeout,
      sqlState: '57014',
      message: expect.stringContaining('statement_timeout'),
    });
    await client.query('SET LOCAL statement_timeout = 0');
    const outcome = ensureTables(client, { schema: 'held', createSchema: true }).catch((error: unknown) => error);
    await cancelWhoWaits(database);
    expect(await outcome).toMatchObject({
      ...timeout,
      sqlState: '57014',
      message: expect.stringContaining('pg_cancel_backend'),
    });
    await client.query('ROLLBACK');
    await client.end();
    await holder.query('ROLLBACK');
    holder.release();
  });

  it('is a read-only server if only writes are refused', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN READ ONLY');
    await expect(ensureTables(client, { schema: 'readonly', createSchema: true })).rejects.toMatchObject({
      code: 'READ_ONLY_DATABASE',
      statusCode: 503,
      sqlState: '25006',
    });
    await client.end();
  });

  it('is an invalid document only if a value in it is to blame', async () => {
    const result = await reportFailure('0001_divide', (self) => self.addSql('SELECT 1 / 0'));
    expect(result).toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '22012' });
  });

  it('reports a transaction that had failed before', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 / 0').catch(() => undefined);
    await expect(ensureTables(client, { schema: 'any' })).rejects.toMatchObject({
      sqlState: '25P02',
      message: expect.stringContaining('roll it back'),
    });
    await client.end();
  });

  it('is one error, before anything else, if the server is too old', async () => {
    await using proxy = await WireProxy.start(database.url);
    const [{ number }] = (await database.query<{ number: string }>(`SHOW server_version_num`)).map((row) => ({
      number: Object.values(row)[0] as string,
    })) as [{ number: string }];
    proxy.replace = [number, '140011'];
    const pool = new Pool({ connectionString: proxy.url });
    pool.on('error', () => undefined);
    const tooOld = {
      code: 'UNSUPPORTED_SERVER',
      needed: '15',
      message: expect.stringContaining('Prismiq needs PostgreSQL 15 or newer'),
    };
    await expect(ensureTables(pool, { schema: 'old', createSchema: true })).rejects.toMatchObject(tooOld);
    await expect(verifyTables(pool, { schema: 'old' })).rejects.toMatchObject(tooOld);
    const migrator = new TenantMigrator({ database: pool });
    for (const call of [() => migrator.up(), () => migrator.status(), () => migrator.verify()]) {
      await expect(call()).rejects.toMatchObject(tooOld);
    }
    await pool.end();
  });
});

/** Cancels, as a person would, the statement that waits for a lock. */
async function cancelWhoWaits(database: TestDatabase): Promise<void> {
  for (;;) {
    const canceled = await database.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()`,
    );
    if (canceled.length > 0) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
