import { rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { accountOf, serverAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { deleteCluster, prepareCluster } from './cluster.ts';
import { isOurs, readMarker } from './marker.ts';
import { endOrphan, endServer, type Target } from './orphan.ts';
import { claim } from './owner.ts';
import { type Place, placeData } from './place.ts';
import { atExit, type Child, lifeOf, waitBriefly } from './processes.ts';
import { runServer } from './server.ts';

/** What {@link startPostgres} takes. */
export interface StartPostgresOptions {
  /** The data folder, made when it is missing. Its parent also gets the files `<dataDir>.*`. */
  readonly dataDir: string;
  /** The port wanted; another free one is taken when it is in use. Default: any free port. */
  readonly port?: number;
  /** `true` keeps the data for the next start; `false` trades their safety for speed and deletes them. */
  readonly persistent: boolean;
  /** More settings of the server, such as `max_connections=300`. */
  readonly flags?: readonly string[];
  /** Gets each line that PostgreSQL prints. */
  readonly log?: (line: string) => void;
}

/** A running PostgreSQL server. */
export interface DevPostgres {
  /** The address to connect to, as the superuser `postgres`. */
  readonly url: string;
  /** The port on 127.0.0.1. */
  readonly port: number;
  /** The data folder in use; another than the one asked for when the server's user cannot reach that one. */
  readonly dataDir: string;
  /** Ends the server, and deletes its data unless they are persistent. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 on a port of 127.0.0.1, and resolves when it answers.
 *
 * No signal is handled: the application calls {@link DevPostgres.stop} when it has closed its connections.
 * If this process exits without, the server is told to end as well.
 *
 * @throws when another live process uses the same data folder, or PostgreSQL cannot run here
 */
export async function startPostgres(options: StartPostgresOptions): Promise<DevPostgres> {
  const log = options.log ?? (() => undefined);
  const { persistent, flags = [], port } = options;
  const systemAccount = await serverAccount();
  const place = placeData(options.dataDir, systemAccount);
  const { dataDir } = place;
  const account = accountOf(dataDir, systemAccount);
  if (place.moved) log(`PostgreSQL cannot work in ${options.dataDir}; the data is in ${dataDir}.`);
  const target: Target = { dataDir, account, binaries: await findBinaries(account, log) };

  const release = claim(dataDir);
  let child: Child | undefined;
  const cancelExit = atExit(() => {
    const pid = child?.process.pid;
    if (pid && !child?.hasEnded()) {
      process.kill(pid, persistent ? 'SIGINT' : 'SIGQUIT');
      // Its files cannot be deleted while it still writes some.
      if (!persistent) waitBriefly(() => lifeOf(pid) === undefined);
    }
    clear(place, persistent, release);
  });
  const finish = (): void => {
    cancelExit();
    clear(place, persistent, release);
  };
  const end = async (): Promise<void> => {
    if (!child?.process.pid || child.hasEnded()) return;
    await endServer(child.process.pid, target, child.hasEnded);
  };

  try {
    if (isOurs(dataDir)) await endOrphan(target, log);
    await prepareCluster({ ...target, persistent, log });
    const server = await runServer({ ...target, port, persistent, flags, log }, (started) => {
      child = started;
    });
    let stopped: Promise<void> | undefined;
    const over = server.child.ended.then((outcome) => {
      if (!stopped) log(`PostgreSQL ended by itself (${outcome}). Start it again.`);
      finish();
    });
    over.catch(() => undefined);
    const stop = (): Promise<void> => (stopped ??= end().then(() => over));
    return { url: server.url, port: server.port, dataDir, stop };
  } catch (error) {
    await end().catch(() => undefined);
    finish();
    throw error;
  }
}

function clear(place: Place, persistent: boolean, release: () => void): void {
  try {
    // The folder may hold data that an earlier start was told to keep.
    if (!persistent && readMarker(place.dataDir)?.persistent === false) deleteCluster(place.dataDir);
  } finally {
    release();
  }
  if (place.moved && !persistent) removeIfEmpty(dirname(place.dataDir));
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another server has its data there.
  }
}
