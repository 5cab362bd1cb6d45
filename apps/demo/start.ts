/**
 * Starts the demo and its database: `node apps/demo/start.ts`, after a build.
 *
 * DATABASE_URL: the database to use; without it an embedded PostgreSQL runs, with its data in .data/demo
 * PORT: where to listen on 127.0.0.1; 3000 by default
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startPostgres } from '@prismiq/dev-postgres';
import { guide } from './guide.ts';

const DATA_DIR = join(import.meta.dirname, '../../.data/demo');
const DATABASE = 'prismiq_demo';
const SHUTDOWN_TIMEOUT_MS = 15_000;

/** What {@link stop} closes, in the order in which it was started. */
const running: { close: () => Promise<unknown> }[] = [];

async function run(): Promise<void> {
  if (!existsSync(join(import.meta.dirname, 'dist/main.js'))) {
    throw new Error('The demo is not built yet. Run `npm run build`.');
  }
  const port = toPort(process.env.PORT ?? '3000');
  await assertFree(port);
  const { DATABASE_URL } = process.env;
  const databaseUrl = DATABASE_URL ? checkUrl(DATABASE_URL) : await startDatabase();
  const { start } = await import('./dist/main.js');
  const app = await start({ databaseUrl, port });
  running.push(app);
  console.log(await guide(await app.getUrl()));
}

/** Starts the embedded PostgreSQL, which keeps its data for the next time. */
async function startDatabase(): Promise<string> {
  console.log('Starting PostgreSQL. To use another one, set DATABASE_URL.');
  const database = await startPostgres({ dataDir: DATA_DIR, port: 54329, persistent: true });
  running.push({ close: () => database.stop() });
  const url = new URL(database.url);
  url.pathname = DATABASE;
  console.log(`Its data are in ${database.dataDir}. To look at them: psql ${url}`);
  return url.href;
}

function toPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new Error(`PORT must be a number from 0 to 65535, and is "${text}".`);
  }
  return Number(text);
}

/** Checked before anything is started, since a database takes a while to start. */
async function assertFree(port: number): Promise<void> {
  const probe = createServer().listen(port, '127.0.0.1');
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

function checkUrl(url: string): string {
  if (!/^postgres(ql)?:\/\/.*\/.+/.test(url)) {
    throw new Error('DATABASE_URL must be of the form postgres://user:password@host:5432/database.');
  }
  return url;
}

function explain(error: unknown): string {
  const { code, port, message, errors } = error as Error & { code?: string; port?: number; errors?: Error[] };
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use. End what uses it, or choose another one: PORT=${Number(port) + 1} npm start`;
  }
  // For a host with several addresses, such as localhost, Node lists what it tried, and gives no message.
  const text = message || errors?.map((one) => one.message).join('; ') || String(error);
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT/.test(text) ? `${text}. Check DATABASE_URL.` : text;
}

let stopping = false;

/** Stops everything, the application before its database. Further calls do nothing. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(1), SHUTDOWN_TIMEOUT_MS).unref();
  // A part that is still starting cannot be closed yet.
  await starting;
  for (const part of running.reverse()) {
    await part.close().catch((error: unknown) => console.error(explain(error)));
  }
  process.exit(exitCode);
}

// A signal may come twice: from the terminal, and passed on by npm.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!stopping) console.log('Stopping.');
    void stop(0);
  });
}

const starting = run().then(
  () => true,
  (error: unknown) => {
    console.error(`The demo cannot start. ${explain(error)}`);
    return false;
  },
);
if (!(await starting)) await stop(1);
