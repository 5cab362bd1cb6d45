import { Pool } from 'pg';
import { InvalidOptionsError } from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { CURRENCY, Fleet, indexMigration, Log, ORDERS, withHost } from './support/fleet.js';

/** A run needs a connection for each tenant in work, and two more for a concurrent index build. */
describe('the connections of a run', () => {
  let database: TestDatabase;
  const pools: Pool[] = [];
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await database.close();
  });

  const openPool = (max: number): Pool => {
    const pool = new Pool({ connectionString: database.url, max });
    pools.push(pool);
    return pool;
  };
  const INDEX = indexMigration('0003_index');
  const migrations = withHost(ORDERS, CURRENCY, INDEX);

  it.each([
    [1, 1, /needs 3 connections\. Use new Pool\(\{ max: 3 \}\)\.$/],
    [2, 1, /has a pool of 2, but a run with a concurrency of 1 needs 3/],
    [5, 4, /needs 6 connections\. Use new Pool\(\{ max: 6 \}\), or migrate with a concurrency of 3\.$/],
  ])('are refused if a pg pool has %i for %i tenants at once', async (max, concurrency, message) => {
    const migrator = new Fleet(database, 'refused', 2).migrator({ database: openPool(max), migrations });
    const options = { createSchema: true, concurrency };
    await expect(migrator.up(options)).rejects.toThrow(InvalidOptionsError);
    await expect(migrator.up(options)).rejects.toThrow(message);
    await expect(migrator.down({ source: 'host', steps: 1, concurrency })).rejects.toThrow(message);
  });

  it('are refused if those of MikroORM are too few', async () => {
    const orm = await database.orm({ pool: { max: 3 } });
    const migrator = new Fleet(database, 'refused', 2).migrator({ database: orm, migrations });
    await expect(migrator.up({ concurrency: 2 })).rejects.toThrow(
      /Use pool: \{ max: 4 \}, or migrate with a concurrency of 1/,
    );
  });

  it('suffice if there are two more than tenants in progress, whatever is locked', async () => {
    const fleet = new Fleet(database, 'enough', 3);
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    const holder = await database.pool.connect();
    await holder.query('BEGIN; LOCK TABLE enough_001.orders');
    const log = new Log();
    const options = { database: openPool(5), migrations: withHost(ORDERS, INDEX), lockTimeoutMs: 200, retries: 0 };
    const report = await fleet.migrator(options).up({ ...log, concurrency: 3, onError: 'continue' });
    await holder.query('ROLLBACK');
    holder.release();
    expect(report.counts).toMatchObject({ migrated: 2, failed: 1 });
    expect(log.result('001')).toMatchObject({ sqlState: '55P03' });
  });

  it('are a single one for calls that only read', async () => {
    const fleet = new Fleet(database, 'reads', 3);
    const migrator = fleet.migrator({ database: openPool(1), migrations });
    expect((await migrator.status()).missing).toHaveLength(3);
    expect((await migrator.plan()).affected).toBe(3);
    expect((await migrator.verify()).findings).toHaveLength(3);
    expect(await migrator.tenants()).toHaveLength(3);
  });
});
