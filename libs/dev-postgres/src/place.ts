import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Account, canEnter } from './account.ts';
import { isOurs } from './marker.ts';

/** Where the data folder really is. */
export interface Place {
  readonly dataDir: string;
  /** Whether it is not the folder that was asked for. */
  readonly moved: boolean;
}

/**
 * Chooses the data folder: the one asked for when the server's user can work there, else one in
 * {@link systemFolder} whose name follows from the one asked for, so that the next start finds it again.
 *
 * @param wanted - the folder asked for
 * @param account - the system user of the server
 */
export function placeData(wanted: string, account: Account | undefined): Place {
  const asked = resolve(wanted);
  const name = createHash('sha256').update(asked).digest('hex').slice(0, 12);
  const elsewhere = join(systemFolderPath(), name, 'data');
  // Data that was moved once stays there, even if its first place has become reachable since.
  const movedBefore = isOurs(elsewhere) && !isOurs(asked);
  if (!movedBefore && canWorkIn(dirname(asked), account)) return { dataDir: asked, moved: false };
  const folder = join(systemFolder(), name);
  openFolder(folder);
  return { dataDir: join(folder, 'data'), moved: true };
}

/**
 * Makes sure of a folder outside the clone that every system user can reach. It outlives the process, so
 * it does not lie in the folder for temporary files, which differs between sessions and is emptied at boot.
 */
export function systemFolder(): string {
  const folder = systemFolderPath();
  openFolder(folder);
  const stats = lstatSync(folder);
  // A shared folder belongs to everyone: another user could have put programs there for us to run.
  const ownedByOther = process.getuid !== undefined && stats.uid !== process.getuid();
  const writableByOther = process.getuid !== undefined && (stats.mode & 0o022) !== 0;
  if (!stats.isDirectory() || ownedByOther || writableByOther) {
    throw new Error(`The folder ${folder} was made by another user. Remove it, then start again.`);
  }
  return folder;
}

function systemFolderPath(): string {
  const uid = process.getuid?.();
  if (uid === undefined) return join(tmpdir(), 'prismiq-dev');
  return uid === 0 ? '/var/lib/prismiq-dev' : `/var/tmp/prismiq-dev-${uid}`;
}

function openFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o755 });
    // A strict umask would shut the server's user out again.
    chmodSync(folder, 0o755);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function canWorkIn(folder: string, account: Account | undefined): boolean {
  let nearest = folder;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  if (!isWritable(nearest) || !canEnter(nearest, account)) return false;
  mkdirSync(folder, { recursive: true });
  return canEnter(folder, account);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
