import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Account, canEnter } from './account.ts';

/** The password of the superuser `postgres`. */
export const PASSWORD = 'password';

/** A file in each data directory that this package has made. It says whether the data are kept. */
const MARKER = '.prismiq-dev-postgres';

const SYSTEM_FOLDER = '/var/lib/prismiq-dev';

/** Makes the folder where root keeps what the server's user cannot reach in the clone. */
export function makeSystemFolder(): string {
  mkdirSync(SYSTEM_FOLDER, { recursive: true });
  // A strict umask would shut the server's user out again.
  chmodSync(SYSTEM_FOLDER, 0o755);
  return SYSTEM_FOLDER;
}

/** The directory that was asked for if the server's user can enter it, otherwise one in the system folder. */
export function chooseDataDirectory(wanted: string, account: Account | undefined): string {
  const asked = resolve(wanted);
  // The next start finds it again.
  const elsewhere = join(SYSTEM_FOLDER, createHash('sha256').update(asked).digest('hex').slice(0, 12));
  mkdirSync(dirname(asked), { recursive: true });
  // Data that were moved once stay there, even if the first place has become reachable since.
  const movedBefore = account && isOurs(elsewhere) && !isOurs(asked);
  if (!movedBefore && canEnter(dirname(asked), account)) return asked;
  makeSystemFolder();
  return elsewhere;
}

/** Creates a data directory unless an existing one can be used. No server runs in it. */
export function prepareDataDirectory(dataDir: string, persistent: boolean, bin: string, account?: Account): void {
  if (canBeKept(dataDir, persistent)) return;
  removeAbandoned(`${dataDir}.draft-`);
  deleteDataDirectory(dataDir);
  // initdb works next to the directory, so that the directory is never seen incomplete.
  const draft = `${dataDir}.draft-${process.pid}`;
  const passwordFile = `${draft}.password`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    for (const path of [draft, passwordFile]) if (account) chownSync(path, account.uid, account.gid);
    // The locale built into PostgreSQL is the same on every system.
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    const access = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    const args = [`--pgdata=${draft}`, ...locale, ...access, ...(persistent ? [] : ['--no-sync'])];
    const initdb = spawnSync(join(bin, 'initdb'), args, { ...account, cwd: '/', encoding: 'utf8' });
    if (initdb.status !== 0) {
      throw new Error(
        `initdb failed for ${dataDir}. Correct what it names, then start again:\n${initdb.error ?? initdb.stderr}`,
      );
    }
    writeFileSync(join(draft, MARKER), JSON.stringify({ persistent }));
    renameSync(draft, dataDir);
  } finally {
    for (const path of [draft, passwordFile]) rmSync(path, { recursive: true, force: true });
  }
}

/** Deletes a data directory of ours. */
export function deleteDataDirectory(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  // Renamed first: a directory that is deleted half-way would look like a usable one.
  const draft = `${dataDir}.draft-${process.pid}-old`;
  renameSync(dataDir, draft);
  rmSync(draft, { recursive: true, force: true, maxRetries: 5 });
}

/** Removes drafts that are ten minutes old: the processes that made them were killed. */
export function removeAbandoned(prefix: string): void {
  for (const name of readdirSync(dirname(prefix)).filter((name) => name.startsWith(basename(prefix)))) {
    const path = join(dirname(prefix), name);
    if (Date.now() - statSync(path).mtimeMs > 600_000) rmSync(path, { recursive: true, force: true });
  }
}

function canBeKept(dataDir: string, persistent: boolean): boolean {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return false;
  if (!isOurs(dataDir)) {
    throw new Error(
      `The folder ${dataDir} holds files that this package did not make, so it is left alone. ` +
        'Choose another data directory, or empty this one.',
    );
  }
  const marker = JSON.parse(readFileSync(join(dataDir, MARKER), 'utf8')) as { persistent: boolean };
  if (marker.persistent && !persistent) {
    throw new Error(
      `The folder ${dataDir} holds data to be kept, and a start with persistent: false would delete them. ` +
        'Choose another data directory, or delete this one yourself.',
    );
  }
  // The data of a server that ran without fsync are not to be trusted.
  return marker.persistent;
}

const isOurs = (dataDir: string): boolean => existsSync(join(dataDir, MARKER));
