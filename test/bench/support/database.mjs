import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@prismiq/dev-postgres';
import pg from 'pg';

/** What a server has on that must not lose a transaction; the embedded one is faster, and forgets what it did when it crashes. */
export const DURABLE = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'];

/** Autovacuum would start some time after seeding, and slow down the contender that is measured just then. */
const FLAGS = ['max_connections=100', 'shared_buffers=1GB', 'max_wal_size=4GB', 'autovacuum=off'];

/** A pool whose connections stay open: a new one would have to learn the tables again, during a measurement. */
export function openPool(url, connections) {
  const pool = new pg.Pool({ connectionString: url, max: connections, idleTimeoutMillis: 0 });
  // Its end is told before the connections are closed, and the server says so when their database is dropped.
  pool.on('error', () => undefined);
  return pool;
}

/**
 * Runs `work` on a new database, and drops it: on the server that DATABASE_URL names, or on an embedded one.
 *
 * @param {(url: string) => Promise<T>} work
 * @param {string[]} settings further ones of the embedded server
 * @returns {Promise<T>}
 * @template T
 */
export async function withDatabase(work, settings = []) {
  // Without a handler a signal ends Node at once, and the embedded server would go on.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit(1));
  }
  const server = await startServer(settings);
  try {
    return await onServer(server.url, work);
  } finally {
    await server.stop();
  }
}

async function startServer(settings) {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL !== undefined) {
    return { url: DATABASE_URL, stop: async () => undefined };
  }
  const dataDir = fileURLToPath(new URL(`../../../.data/bench-${process.pid}`, import.meta.url));
  return startPostgres({ dataDir, persistent: false, flags: [...FLAGS, ...settings] });
}

async function onServer(serverUrl, work) {
  const admin = openPool(serverUrl, 1);
  const name = `prismiq_bench_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  try {
    await admin.query(`CREATE DATABASE ${name}`);
    try {
      return await work(url.href);
    } finally {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  } finally {
    await admin.end();
  }
}
