import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The system user that PostgreSQL runs as, when it is not the user of this process. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the system user to run PostgreSQL as. PostgreSQL refuses to run as root, so root takes the user `postgres`, which is
 * created when it is missing.
 */
export async function findAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  // Several processes may create the user at once, and useradd fails while another one holds its lock.
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const found = lookUp('postgres');
    if (found) return found;
    if (spawnSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']).error) break;
    await sleep(200);
  }
  const account = lookUp('postgres') ?? lookUp('nobody');
  if (account) return account;
  throw new Error(
    'PostgreSQL cannot run as root, and the system user "postgres" could not be created. ' +
      'Create it (useradd --system postgres), or run this command as another user.',
  );
}

/** The owner of an existing data directory, otherwise the account: root can use the directory of another user. */
export function findOwner(dataDir: string, account: Account | undefined): Account | undefined {
  const stats = account && statSync(dataDir, { throwIfNoEntry: false });
  return stats && stats.uid !== 0 ? { uid: stats.uid, gid: stats.gid } : account;
}

/** Asks the system, since permission bits say nothing about access lists or mount options. */
export function canEnter(folder: string, account: Account | undefined): boolean {
  return !account || spawnSync('test', ['-x', folder], { ...account, cwd: '/' }).status === 0;
}

function lookUp(user: string): Account | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout));
  return uid && gid ? { uid, gid } : undefined;
}
