import type { Migration } from '@mikro-orm/migrations';
import type { NamedMigration } from '@prismiq/nestjs';
import type { PoolClient } from 'pg';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { migration } from './fleet.js';
import { until } from './until.js';

const getSchema = (self: Migration): string =>
  (self as unknown as { config: { get(key: string): string } }).config.get('schema');

/** A migration that is not transactional. */
export const concurrent = (
  name: string,
  up: (schema: string) => string | string[],
  down: (schema: string) => string | string[] = () => [],
): NamedMigration =>
  migration(name, (self) => [up(getSchema(self))].flat().forEach((sql) => self.addSql(sql)), {
    down: (self) => [down(getSchema(self))].flat().forEach((sql) => self.addSql(sql)),
    transactional: false,
  });

/** Builds `orders_unique` on the orders of a tenant. */
export const UNIQUE = concurrent(
  '0002_unique',
  () => 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_unique ON orders (total) WHERE total > 0',
  () => 'DROP INDEX CONCURRENTLY IF EXISTS orders_unique',
);

/** Looks at, and holds up, the index builds of one database. */
export class IndexBuilds {
  constructor(private readonly database: TestDatabase) {}

  /** The indexes of a schema's tables, those of their TOAST tables included, whose names match. */
  async indexes(schema: string, pattern = 'orders_unique'): Promise<{ oid: number; valid: boolean }[]> {
    return this.database.query(
      `SELECT i.oid::int, x.indisvalid AS valid FROM pg_index x
       JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
       LEFT JOIN pg_class main ON main.reltoastrelid = t.oid
       WHERE coalesce(main.relnamespace, t.relnamespace) = to_regnamespace($1) AND i.relname ~ $2 ORDER BY i.oid`,
      [`"${schema}"`, pattern],
    );
  }

  readonly #holders = new Set<PoolClient>();

  /** A transaction for which index builds wait. */
  async hold(sql: string): Promise<{ pid: number; end: () => Promise<void> }> {
    const client = await this.database.pool.connect();
    this.#holders.add(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query(sql);
    return { pid: rows[0]!.pid, end: () => this.release(client) };
  }

  private async release(client: PoolClient): Promise<void> {
    this.#holders.delete(client);
    await client.query('ROLLBACK');
    client.release();
  }

  /** Ends what a failed test has left open. */
  async close(): Promise<void> {
    await Promise.all([...this.#holders].map((client) => this.release(client)));
  }

  /** A transaction with a snapshot, such as that of a dump. */
  snapshot = () => this.hold('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');

  /** Waits until an index build waits for a transaction. */
  async untilWaiting(): Promise<number> {
    const look = `SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted
      WHERE a.datname = current_database() AND l.locktype = 'virtualxid' AND a.query ~ '^/\\* prismiq '`;
    const { pid } = await until(
      'an index build waits',
      async () => (await this.database.query<{ pid: number }>(look))[0],
    );
    return pid;
  }
}
