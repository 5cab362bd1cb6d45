import { setTimeout as sleep } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { Client, type Pool } from 'pg';
import { TEST_ITSELF, type TestDatabase } from '../../../../test/support/test-database.js';

/** What is wrong with the connections when all is done: nothing should be. */
export async function findProblems(database: TestDatabase, orm: MikroORM, max: number): Promise<unknown[]> {
  const pool = (await orm.em.getConnection('write').getNativeClient()) as Pool;
  const problems: unknown[] = [];
  const isIdle = () => pool.idleCount === pool.totalCount && pool.waitingCount === 0;
  // Requests whose sender has gone away may still be worked on.
  for (let attempt = 0; attempt < 200 && !isIdle(); attempt += 1) {
    await sleep(25);
  }
  if (!isIdle()) {
    const { totalCount, idleCount, waitingCount } = pool;
    problems.push({ neverGivenBack: totalCount - idleCount, waitingCount });
  }
  problems.push(...(await findBusySessions(database)));
  // All at once, each held by a transaction, so that behind PgBouncer as well each is another one.
  const clients = await Promise.all(
    Array.from({ length: max - (pool.totalCount - pool.idleCount) }, () => pool.connect()),
  );
  try {
    await Promise.all(clients.map((client) => client.query('BEGIN')));
    const settings = await Promise.all(
      clients.map(
        async (client) =>
          (await client.query(`SELECT current_setting('search_path') AS path, pg_backend_pid() AS pid`)).rows[0],
      ),
    );
    if (new Set(settings.map(({ pid }) => pid)).size !== max) {
      problems.push({ connections: settings.length, expected: max });
    }
    const [fresh] = await withNewConnection(database, `SELECT current_setting('search_path') AS path`);
    problems.push(...settings.filter(({ path }) => path !== fresh!.path));
  } finally {
    await Promise.all(clients.map((client) => client.query('ROLLBACK')));
    clients.forEach((client) => client.release());
  }
  return problems;
}

/** Sessions that stay busy. The server may still be at work for a client that gave up waiting and closed its connection. */
async function findBusySessions(database: TestDatabase): Promise<unknown[]> {
  for (let attempt = 0; ; attempt += 1) {
    const busy = await database.query(
      `SELECT state, query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name <> $1 AND backend_type = 'client backend' AND state <> 'idle'`,
      [TEST_ITSELF],
    );
    if (busy.length === 0 || attempt === 200) {
      return busy;
    }
    await sleep(25);
  }
}

async function withNewConnection(database: TestDatabase, sql: string): Promise<{ path: string }[]> {
  const client = new Client(database.url);
  await client.connect();
  try {
    return (await client.query<{ path: string }>(sql)).rows;
  } finally {
    await client.end();
  }
}
