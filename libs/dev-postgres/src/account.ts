import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The system user the PostgreSQL programs run as, when it is not the user of this process. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the system user to run PostgreSQL as.
 *
 * PostgreSQL refuses to run as root, so root needs another user: `postgres`, which is created when it is missing.
 *
 * @returns the user, or `undefined` when PostgreSQL runs as the user of this process
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  // Several starters may create the user at once, and useradd refuses while another one holds its lock.
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const found = lookUp('postgres');
    if (found) return found;
    spawnSync('groupadd', ['-r', 'postgres']);
    const added = spawnSync('useradd', ['-r', '-M', '-g', 'postgres', '-s', '/bin/false', 'postgres']);
    if (added.error) break;
    if (added.status !== 0) await sleep(200);
  }
  const account = lookUp('postgres') ?? lookUp('nobody');
  if (account) return account;
  throw new Error(
    'PostgreSQL cannot run as root, and the system user "postgres" could not be created. ' +
      'Create it (useradd -r -M postgres), or run this command as another user.',
  );
}

/**
 * Finds the user an existing data folder belongs to, so that root can go on using the folder of a plain user.
 *
 * @param dataDir - the data folder
 * @param fallback - the user to take when the folder is missing or belongs to root
 */
export function accountOf(dataDir: string, fallback: Account | undefined): Account | undefined {
  const stats = fallback && statSync(dataDir, { throwIfNoEntry: false });
  return stats && stats.uid !== 0 ? { uid: stats.uid, gid: stats.gid } : fallback;
}

/**
 * Tells whether a user can pass through a folder and all folders above it.
 *
 * The system is asked rather than the permission bits, which do not tell about access lists or mount options.
 */
export function canEnter(folder: string, account: Account | undefined): boolean {
  if (!account) return true;
  return spawnSync('test', ['-x', folder], { ...account, cwd: '/' }).status === 0;
}

function lookUp(user: string): Account | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) => {
    const found = spawnSync('id', [flag, user], { encoding: 'utf8' });
    return found.status === 0 ? Number(found.stdout) : 0;
  });
  return uid && gid ? { uid, gid } : undefined;
}
