import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's package puts it where only root's PATH leads. */
const BINARY = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);

export interface PgBouncerOptions {
  /** The server behind it: each of its databases can be reached, as this user. */
  url: string;
  /**
   * How many connections to the server all clients of a database share.
   * @default 20
   */
  poolSize?: number;
}

export interface PgBouncer extends AsyncDisposable {
  /** A URL of the server or of one of its databases, by way of PgBouncer. */
  through(url: string): string;
  /** Its own console, which knows `SHOW POOLS` and the like. */
  readonly consoleUrl: string;
  stop(): Promise<void>;
}

/**
 * Starts PgBouncer in transaction mode: a client holds a connection to the server for no longer than a transaction, and what it
 * leaves behind there the next client finds. On a free port of 127.0.0.1, with the settings of Debian's package; start-up
 * parameters that PgBouncer does not know are refused.
 *
 * @returns nothing where it is not installed, and says so
 */
export async function startPgBouncer({ url, poolSize = 20 }: PgBouncerOptions): Promise<PgBouncer | undefined> {
  if (BINARY === undefined) {
    process.stderr.write("NOT RUN: tests through PgBouncer. To run them, install it (Debian's package pgbouncer).\n");
    return undefined;
  }
  const server = new URL(url);
  const directory = await mkdtemp(join(tmpdir(), 'prismiq-pgbouncer-'));
  const release = () => rm(directory, { recursive: true, force: true });
  try {
    const { child, port } = await launch(BINARY, directory, server, poolSize);
    const through = (database: string) => Object.assign(new URL(database), { hostname: '127.0.0.1', port }).href;
    const stop = async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await release();
    };
    const console = Object.assign(new URL(url), { pathname: '/pgbouncer' });
    return { through, consoleUrl: through(console.href), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await release();
    throw error;
  }
}

async function launch(binary: string, directory: string, server: URL, poolSize: number) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const ini = await configure(directory, server, port, poolSize);
    const child = spawn('setpriv', [...IDENTITY, '--pdeathsig', 'TERM', binary, ini], {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (text: Buffer) => (log = (log + text.toString()).slice(-4000)));
    // Nobody waits for it who does not stop it: it ends with this process.
    child.unref();
    (child.stderr as Socket).unref();
    if (await accepts(child, port)) {
      return { child, port: String(port) };
    }
    // Somebody may have taken the port in the meantime.
    if (attempt === 3) {
      throw new Error(`PgBouncer did not start. Its last lines:\n${log}`);
    }
  }
}

/** PgBouncer refuses to run as root; Debian's package has made a user for it. */
const AS_ROOT = process.getuid?.() === 0;
const IDENTITY = AS_ROOT ? ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'] : [];

async function configure(directory: string, server: URL, port: number, poolSize: number): Promise<string> {
  const [user, password] = [server.username, server.password].map(decodeURIComponent) as [string, string];
  const [ini, users] = [join(directory, 'pgbouncer.ini'), join(directory, 'users.txt')];
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await writeFile(users, `${quote(user)} ${quote(password)}\n`, { mode: 0o600 });
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: password === '' ? 'trust' : 'scram-sha-256',
    auth_file: users,
    admin_users: user,
    pool_mode: 'transaction',
    default_pool_size: poolSize,
    max_client_conn: 500,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  await writeFile(
    ini,
    `[databases]\n* = host=${server.hostname} port=${server.port || 5432}\n\n[pgbouncer]\n${lines.join('\n')}\n`,
  );
  if (AS_ROOT) {
    spawnSync('chown', ['-R', 'postgres:', directory]);
  }
  return ini;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Waits until it listens; `false`: it has ended. */
async function accepts(child: ChildProcess, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 400 && child.exitCode === null && child.signalCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) {
      return true;
    }
    await sleep(25);
  }
  child.kill('SIGKILL');
  return false;
}
