import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Account } from './account.ts';
import { PASSWORD } from './data-directory.ts';

/** How long a server may neither answer nor end after the process that started it was killed. */
const ABANDONED_TIMEOUT_MS = 20_000;

/** Any number: nothing else uses advisory locks in the database `postgres`. */
const LOCK = 5_407_715;

/** A connection that does not keep its process alive; the types do not know the method. */
type LockClient = pg.Client & { unref(): void };

/** The server of a data directory, controlled by `pg_ctl`. */
export class Server {
  constructor(dataDir: string, bin: string, account: Account | undefined) {
    this.#dataDir = dataDir;
    this.#bin = bin;
    this.#account = account;
    this.#pidFilePath = join(dataDir, 'postmaster.pid');
  }
  readonly #dataDir: string;
  readonly #bin: string;
  readonly #account: Account | undefined;
  readonly #pidFilePath: string;

  /**
   * Starts the server on the port wanted, or on a free one when that is in use, and waits until it answers.
   *
   * @returns the port
   */
  async start(wantedPort: number, settings: readonly string[]): Promise<number> {
    const log = join(this.#dataDir, 'server.log');
    const deadline = Date.now() + ABANDONED_TIMEOUT_MS;
    for (;;) {
      const port = await findFreePort(wantedPort);
      const options = [`port=${port}`, ...settings].map((setting) => `-c ${quote(setting)}`).join(' ');
      rmSync(log, { force: true });
      // Recovery after a crash takes its time.
      const { code, output } = await this.#pgCtl('start', '-w', '-t', '120', '-l', log, '-o', options);
      if (code === 0) return port;
      const lines = existsSync(log) ? readFileSync(log, 'utf8') : output;
      // Another process has taken the port, or the processes of a server that was killed are still ending.
      if (!/could not bind|could not create any TCP|is still in use/.test(lines) || Date.now() > deadline) {
        throw new Error(
          `PostgreSQL did not start in ${this.#dataDir}. Correct what it names, then start again:\n${lines}`,
        );
      }
      await sleep(100);
    }
  }

  /** Stops the server if it runs: in an orderly way, or without one if that takes too long. */
  async stop(): Promise<void> {
    for (const mode of ['fast', 'immediate']) {
      if (!(await this.#isRunning())) return;
      await this.#pgCtl('stop', '-m', mode, '-t', '30');
    }
    if (await this.#isRunning()) throw new Error(`PostgreSQL does not stop in ${this.#dataDir}. End it yourself.`);
  }

  /** Stops the server while this process exits, when nothing can be awaited. `immediate` leaves data that need a recovery. */
  stopAtExit(mode: 'fast' | 'immediate'): void {
    const wait = mode === 'fast' ? '-W' : '-w';
    spawnSync(join(this.#bin, 'pg_ctl'), ['stop', '-D', this.#dataDir, '-m', mode, wait], this.#spawnOptions());
  }

  /** Stops a server that was left running by a process that was killed. */
  async stopAbandoned(): Promise<void> {
    const deadline = Date.now() + ABANDONED_TIMEOUT_MS;
    while (await this.#isRunning()) {
      const lock = await this.lock(this.#pidFile().port);
      if (lock) return lock.end().then(() => this.stop());
      // pg_ctl takes any process with the number in the file for the server. A server that is ready would have answered.
      if (this.#pidFile().state === 'ready' || Date.now() > deadline) return rmSync(this.#pidFilePath, { force: true });
      await sleep(50);
    }
  }

  /**
   * Makes this process the only one that uses the data directory. The lock is held until its connection closes, at the
   * latest when the process ends.
   *
   * @returns undefined if the server of this data directory does not answer
   * @throws if another process, or an earlier start of this one, has the lock
   */
  async lock(port: number): Promise<LockClient | undefined> {
    const server = { host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database: 'postgres' };
    const client = new pg.Client({ ...server, application_name: `process ${process.pid}` });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      if (rows[0]!.data_directory !== this.#dataDir) return await client.end().then(() => undefined);
      // The server hears of the end of a process a moment later.
      await client.query(`SET lock_timeout = '1s'`);
      await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
      return client as LockClient;
    } catch (cause) {
      const { code = '', message } = cause as NodeJS.ErrnoException;
      const holder = code === '55P03' ? await findHolder(client) : undefined;
      await client.end().catch(() => undefined);
      // It does not listen, or starts, or stops (57P…).
      if (/^ECONN|^57P/.test(code)) return undefined;
      throw new Error(
        holder === undefined
          ? `PostgreSQL runs in ${this.#dataDir}, but refuses the connection: ${message}. To do without its data, delete the folder.`
          : `The PostgreSQL data in ${this.#dataDir} are in use by ${holder}. Stop it, or use another data directory.`,
        { cause },
      );
    }
  }

  async #isRunning(): Promise<boolean> {
    // 3: no server runs; 4: no data directory. A pg_ctl that Ctrl-C has ended says neither.
    const { code } = await this.#pgCtl('status');
    if (code === 3 || code === 4) return false;
    if (!isZombie(this.#pidFile().pid)) return true;
    rmSync(this.#pidFilePath);
    return false;
  }

  #pidFile() {
    const lines = existsSync(this.#pidFilePath) ? readFileSync(this.#pidFilePath, 'utf8').split('\n') : [];
    return { pid: Number(lines[0]), port: Number(lines[3]), state: lines[7]?.trim() };
  }

  #pgCtl(command: string, ...args: string[]): Promise<{ code: unknown; output: string }> {
    return new Promise((resolve) => {
      const file = join(this.#bin, 'pg_ctl');
      execFile(file, [command, '-D', this.#dataDir, ...args], this.#spawnOptions(), (error, out, err) =>
        resolve({ code: error ? error.code : 0, output: `${out}${err}` }),
      );
    });
  }

  #spawnOptions() {
    // PGDATA, PGPORT and the like would change the server; messages have to be English to be recognised.
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && name !== 'LANGUAGE');
    // The current folder may be closed to the server's user.
    return { ...this.#account, cwd: '/', env: { ...Object.fromEntries(kept), LC_ALL: 'C' } };
  }
}

async function findHolder(client: pg.Client): Promise<string | undefined> {
  const sql = `SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE objid = $1 AND granted`;
  return (await client.query<{ application_name: string }>(sql, [LOCK])).rows[0]?.application_name;
}

/** For the shell by which pg_ctl starts the server. */
const quote = (text: string): string =>
  process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`;

/** A process that has ended and that nobody has collected, as happens in containers. PostgreSQL takes it for alive. */
function isZombie(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && readFileSync(file, 'utf8').includes(') Z ');
}

async function findFreePort(wanted: number): Promise<number> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  const isFree = await once(probe, 'listening').catch(() => undefined);
  if (!isFree) return findFreePort(0);
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
