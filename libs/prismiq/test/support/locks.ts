import { Client } from 'pg';
import type { TestDatabase } from '../../../../test/support/test-database.js';

/** Opens a transaction of its own, which holds what `sql` locks until it is ended. */
export async function holdLock(
  database: TestDatabase,
  sql: string,
): Promise<{ release: (end?: 'ROLLBACK' | 'COMMIT') => Promise<void> }> {
  const client = new Client({ connectionString: database.url, application_name: 'holds a lock' });
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql);
  return {
    release: async (end = 'ROLLBACK') => {
      await client.query(end);
      await client.end();
    },
  };
}

/** How many connections wait for a lock. */
export async function countLockWaits(database: TestDatabase): Promise<number> {
  const rows = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length;
}

/** Resolves when so many connections wait for a lock. */
export async function lockWaits(database: TestDatabase, count: number): Promise<void> {
  while ((await countLockWaits(database)) !== count) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
