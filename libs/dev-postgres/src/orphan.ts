import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join, parse } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { commandOf, lifeOf, waitUntil } from './processes.ts';

/** The server of a data folder, as far as it takes to end it. */
export interface Target {
  readonly dataDir: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
}

/** Reads the lines of `postmaster.pid`: the server's process id first, its state in the eighth. */
export function readPidFile(dataDir: string): string[] {
  try {
    return readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

/**
 * Ends a server that a crash of its starter left behind in the data folder. The caller has claimed the
 * folder, so nobody uses that server.
 */
export async function endOrphan(target: Target, log: (line: string) => void): Promise<void> {
  const pid = Math.abs(Number.parseInt(readPidFile(target.dataDir)[0] ?? '', 10));
  if (!pid) return;
  if (process.platform === 'win32' || isServerOf(pid, target.dataDir)) {
    log(`Ending the PostgreSQL server ${pid}, which an earlier run left behind in ${target.dataDir}.`);
    await endServer(pid, target, () => lifeOf(pid) === undefined);
  }
  // The file of a dead process is left to PostgreSQL, which first makes sure that none of the old server's
  // own processes is still at work. That check takes any process of this id for the server, though.
  if (process.platform !== 'win32' && exists(pid)) rmSync(join(target.dataDir, 'postmaster.pid'), { force: true });
}

/**
 * Ends a server in the orderly way, or the hard way when it does not end in time.
 *
 * @param gone - tells whether it has ended
 */
export async function endServer(pid: number, target: Target, gone: () => boolean): Promise<void> {
  if (process.platform === 'win32') {
    const args = ['stop', '-D', target.dataDir, '-m', 'fast', '-w'];
    spawnSync(target.binaries.pg_ctl, args, { cwd: parse(target.dataDir).root, windowsHide: true });
    if (await waitUntil(gone, 5_000)) return;
  }
  const steps = [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [signal, patience] of steps) {
    if (gone()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPERM') break;
    }
    if (await waitUntil(gone, patience)) return;
  }
  throw new Error(`The PostgreSQL server ${pid} of ${target.dataDir} does not end. End it yourself, then start again.`);
}

function isServerOf(pid: number, dataDir: string): boolean {
  const command = commandOf(pid);
  if (command.length === 1) return (command[0] ?? '').includes(`postgres -D ${dataDir} `);
  if (basename(command[0] ?? '') !== 'postgres') return false;
  return command[command.indexOf('-D') + 1] === dataDir || currentFolder(pid) === dataDir;
}

// The server works in its data folder, which tells even when the clone was moved while it ran.
function currentFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
