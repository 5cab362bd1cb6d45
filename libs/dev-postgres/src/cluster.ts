import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { readMarker, writeMarker } from './marker.ts';
import { atExit, launch } from './processes.ts';

/** The password of the user `postgres`, who owns the database. */
export const PASSWORD = 'password';

/** What {@link prepareCluster} needs to know. */
export interface ClusterOptions {
  readonly dataDir: string;
  readonly persistent: boolean;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly log: (line: string) => void;
}

// What initdb makes. A folder with nothing else in it, and not yet finished, holds nothing of worth.
const MADE_BY_INITDB =
  /^(PG_VERSION|base|global|pg_\w+|pg_(hba|ident)\.conf|postgresql(\.auto)?\.conf|postmaster\.(pid|opts))$/;

/**
 * Makes a data folder when there is none to go on with. The caller has claimed the folder, and no server
 * runs in it.
 */
export async function prepareCluster(options: ClusterOptions): Promise<void> {
  removeLeftovers(options.dataDir);
  if (canGoOn(options.dataDir, options.persistent)) return;
  deleteCluster(options.dataDir);
  // initdb works beside the folder, so that the folder is never seen half-made.
  const draft = `${options.dataDir}.init-${randomUUID().slice(0, 8)}`;
  const passwordFile = `${draft}.pw`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    giveTo(options.account, draft, passwordFile);
    await runInitdb(draft, passwordFile, options);
    writeMarker(draft, { persistent: options.persistent });
    renameSync(draft, options.dataDir);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true, maxRetries: 5 });
  }
}

function giveTo(account: Account | undefined, ...paths: string[]): void {
  for (const path of paths) if (account) chownSync(path, account.uid, account.gid);
}

/** Deletes a data folder of ours. */
export function deleteCluster(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  // Renamed first: a folder deleted half-way would look like one to go on with.
  const old = `${dataDir}.old-${randomUUID().slice(0, 8)}`;
  renameSync(dataDir, old);
  rmSync(old, { recursive: true, force: true, maxRetries: 5 });
}

function canGoOn(dataDir: string, persistent: boolean): boolean {
  const names = list(dataDir);
  if (names.length === 0) return false;
  const complete = existsSync(join(dataDir, 'PG_VERSION')) && existsSync(join(dataDir, 'global', 'pg_control'));
  const marker = readMarker(dataDir);
  if (!marker && (complete || !names.every((name) => MADE_BY_INITDB.test(name)))) {
    throw new Error(
      `The folder ${dataDir} holds files that this package did not make, so it is left alone. ` +
        'Choose another data folder, or empty this one.',
    );
  }
  if (!marker || !complete) return false;
  if (marker.persistent && !persistent) {
    throw new Error(
      `The folder ${dataDir} holds data to be kept, and a start with persistent: false would delete them. ` +
        'Choose another data folder, or delete this one yourself.',
    );
  }
  // A leftover of a server that ran without fsync is not to be trusted.
  return marker.persistent;
}

async function runInitdb(draft: string, passwordFile: string, options: ClusterOptions): Promise<void> {
  const initdb = launch(
    options.binaries.initdb,
    [
      `--pgdata=${draft}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The locale built into PostgreSQL, which is the same on every system.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-instructions',
      ...(options.persistent ? [] : ['--no-sync']),
    ],
    options.account,
    options.log,
  );
  const pid = initdb.process.pid;
  // The whole process group, since initdb runs a server of its own.
  const cancel = atExit(() => pid && process.kill(process.platform === 'win32' ? pid : -pid, 'SIGTERM'));
  const outcome = await initdb.ended.finally(cancel);
  if (initdb.process.exitCode === 0) return;
  throw new Error(
    `initdb could not make the data folder ${options.dataDir} (${outcome}). ` +
      `Correct what its last lines name, then start again:\n${initdb.lastLines()}`,
  );
}

function removeLeftovers(dataDir: string): void {
  const folder = dirname(dataDir);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(dataDir)}.init-`) && !name.startsWith(`${basename(dataDir)}.old-`)) continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // An initdb that was left behind may still write there; the next start removes it.
    }
  }
}

function list(dataDir: string): string[] {
  try {
    return readdirSync(dataDir);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new Error(
      `The data folder ${dataDir} cannot be read (${code}). It may belong to another system user: ` +
        'start as that user, delete the folder, or choose another one.',
      { cause },
    );
  }
}
