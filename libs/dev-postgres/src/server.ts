import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PASSWORD } from './cluster.ts';
import { readPidFile, type Target } from './orphan.ts';
import { type Child, launch, waitUntil } from './processes.ts';

/** How to run the server. */
export interface ServerOptions extends Target {
  readonly port: number | undefined;
  readonly persistent: boolean;
  readonly flags: readonly string[];
  readonly log: (line: string) => void;
}

/** A server that answers. */
export interface Server {
  readonly child: Child;
  readonly pid: number;
  readonly port: number;
  readonly url: string;
}

// Recovery after a crash takes its time.
const START_PATIENCE = 120_000;

/**
 * Runs the server and waits until it answers.
 *
 * @param onStarted - gets the process as soon as it runs
 */
export async function runServer(options: ServerOptions, onStarted: (child: Child) => void): Promise<Server> {
  const deadline = Date.now() + 20_000;
  let wanted = options.port;
  for (;;) {
    const port = await freePort(wanted);
    const child = launch(options.binaries.postgres, serverArguments(options, port), options.account, options.log);
    onStarted(child);
    if (await becomesReady(child, options.dataDir)) {
      const url = `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`;
      await ask(url);
      release(child);
      return { child, pid: child.process.pid ?? 0, port, url };
    }
    if (!child.hasEnded()) child.process.kill('SIGQUIT');
    const outcome = await child.ended;
    const output = child.lastLines();
    // Somebody took the port between our look and the server's start.
    const portTaken = /could not bind|could not create any TCP\/IP sockets/.test(output);
    // The processes of a server that was killed end a moment after it.
    const notYetGone = /is still in use|lock file "postmaster\.pid" already exists/.test(output);
    if (!(portTaken || notYetGone) || Date.now() > deadline) {
      throw new Error(
        `PostgreSQL did not start in ${options.dataDir} (${outcome}). ` +
          `Correct what its last lines name, then start again:\n${output}`,
      );
    }
    if (portTaken) wanted = undefined;
    await sleep(250);
  }
}

function serverArguments(options: ServerOptions, port: number): string[] {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...options.flags];
  if (!options.persistent) settings.unshift('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  return ['-D', options.dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
}

async function becomesReady(child: Child, dataDir: string): Promise<boolean> {
  const isReady = (): boolean => {
    const lines = readPidFile(dataDir);
    return Number(lines[0]) === child.process.pid && lines[7]?.trim() === 'ready';
  };
  return (await waitUntil(() => child.hasEnded() || isReady(), START_PATIENCE)) && !child.hasEnded();
}

async function ask(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
  } catch (cause) {
    throw new Error(
      `PostgreSQL started, but does not let us in at ${url}. If its password was changed, delete the data folder.`,
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

// A running database is no reason for a program that has finished to go on; it is ended at exit.
function release(child: Child): void {
  child.process.unref();
  for (const stream of [child.process.stdout, child.process.stderr]) (stream as Socket | null)?.unref();
}

async function freePort(wanted: number | undefined): Promise<number> {
  const found = wanted ? await tryPort(wanted) : undefined;
  return found ?? (await tryPort(0)) ?? Promise.reject(new Error('No port is free on 127.0.0.1. End some programs.'));
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
