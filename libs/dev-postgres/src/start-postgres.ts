import { findOwner, findAccount } from './account.ts';
import { chooseDataDirectory, deleteDataDirectory, PASSWORD, prepareDataDirectory } from './data-directory.ts';
import { findPrograms } from './programs.ts';
import { Server } from './server.ts';

/** Options of {@link startPostgres}. */
export interface StartPostgresOptions {
  /** The data directory, made when it is missing. */
  readonly dataDir: string;
  /**
   * The preferred port. A free one is taken if it is in use.
   * @default any free port
   */
  readonly port?: number;
  /** `true` keeps the data for the next start; `false` trades their safety for speed and deletes them. */
  readonly persistent: boolean;
  /** More settings of the server, such as `max_connections=300`. */
  readonly flags?: readonly string[];
}

/** A running PostgreSQL server. */
export interface DevPostgres {
  /** The address to connect to, as the superuser `postgres`. */
  readonly url: string;
  /** The port on 127.0.0.1. */
  readonly port: number;
  /** The data directory in use. It differs from the one asked for if the server's user cannot reach that one. */
  readonly dataDir: string;
  /** Stops the server, and deletes its data unless they are persistent. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 on a port of 127.0.0.1, and resolves when it answers.
 *
 * It handles no signal: the application calls {@link DevPostgres.stop} when it has closed its connections. If this process exits
 * without that, the server is stopped as well.
 *
 * @throws if another live process uses the same data directory, or PostgreSQL cannot run here
 */
export async function startPostgres(options: StartPostgresOptions): Promise<DevPostgres> {
  const { persistent, flags = [], port: wantedPort = 0 } = options;
  const systemAccount = await findAccount();
  const dataDir = chooseDataDirectory(options.dataDir, systemAccount);
  const account = findOwner(dataDir, systemAccount);
  const bin = await findPrograms(account);
  const server = new Server(dataDir, bin, account);

  await server.stopAbandoned();
  prepareDataDirectory(dataDir, persistent, bin, account);
  const atExit = (): void => {
    server.stopAtExit(persistent ? 'fast' : 'immediate');
    if (!persistent) deleteDataDirectory(dataDir);
  };
  process.once('exit', atExit);
  const stop = async (): Promise<void> => {
    await server.stop();
    process.off('exit', atExit);
    if (!persistent) deleteDataDirectory(dataDir);
  };
  try {
    const speed = persistent ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
    const network = ['listen_addresses=127.0.0.1', 'unix_socket_directories='];
    const port = await server.start(wantedPort, [...network, ...speed, ...flags]);
    const lock = await server.lock(port);
    if (!lock) throw new Error(`Another process has stopped PostgreSQL in ${dataDir}. Start it again.`);
    // A running database must not keep a finished program alive.
    lock.unref();
    const url = `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`;
    let stopped: Promise<void> | undefined;
    return { url, port, dataDir, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await stop();
    throw error;
  }
}
