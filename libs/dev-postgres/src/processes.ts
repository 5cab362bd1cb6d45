import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';

/** A PostgreSQL program we started. */
export interface Child {
  readonly process: ChildProcess;
  /** Resolves when the program has ended, with how it ended. */
  readonly ended: Promise<string>;
  /** Whether the program has ended. */
  hasEnded(): boolean;
  /** The last lines it printed. */
  lastLines(): string;
}

/**
 * Starts a PostgreSQL program.
 *
 * It gets a session of its own, since Ctrl-C in the terminal would else end the database at once, while
 * the application still answers its last requests.
 */
export function launch(
  file: string,
  args: readonly string[],
  account: Account | undefined,
  log: (line: string) => void,
): Child {
  const child = spawn(file, args, {
    ...account,
    // The current folder may be closed to the server's user.
    cwd: parse(file).root,
    env: environment(),
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const onLine = (line: string): void => {
    lines.push(line);
    if (lines.length > 15) lines.shift();
    log(line);
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
    // Its own children may hold the pipes open for longer than it lives.
    child.once('exit', (code, signal) => {
      over = true;
      setTimeout(resolve, 1000, signal ? `signal ${signal}` : `exit code ${code}`).unref();
    });
  }).finally(() => {
    over = true;
  });
  return { process: child, ended, hasEnded: () => over, lastLines: () => lines.join('\n') };
}

/**
 * Tells one life of a process id from another: ids are used again, and one that ran before a crash may
 * name any program now.
 *
 * @returns a text that differs between two processes of the same id where the system tells (else an empty
 * one), or `undefined` when no such process runs
 */
export function lifeOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  if (process.platform === 'win32') return '';
  if (process.platform !== 'linux') {
    return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
  }
  const stat = readText(`/proc/${pid}/stat`);
  // The program's name comes in parentheses and may hold anything, so count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; in a container nobody may ever collect it.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return fields[19] ? `${readText('/proc/sys/kernel/random/boot_id').trim()}/${fields[19]}` : '';
}

/** The command line of a process, one argument each where the system tells, else a single text. */
export function commandOf(pid: number): string[] {
  if (process.platform === 'linux') return readText(`/proc/${pid}/cmdline`).split('\0');
  const shown = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return [shown.stdout?.trim() ?? ''];
}

/** Waits until something holds, looking every 25 ms; `false` when it does not within the time. */
export async function waitUntil(holds: () => boolean, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (!holds()) {
    if (Date.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}

/** Waits up to a second until something holds, without giving way to other work of this process. */
export function waitBriefly(holds: () => boolean): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let turn = 0; turn < 100 && !holds(); turn += 1) Atomics.wait(never, 0, 0, 10);
}

const exitTasks = new Set<() => void>();

/**
 * Runs a synchronous task if this process exits, however orderly.
 *
 * @returns takes the task back
 */
export function atExit(task: () => void): () => void {
  if (exitTasks.size === 0) process.on('exit', runExitTasks);
  exitTasks.add(task);
  return () => {
    exitTasks.delete(task);
    if (exitTasks.size === 0) process.off('exit', runExitTasks);
  };
}

function runExitTasks(): void {
  for (const task of exitTasks) {
    try {
      task();
    } catch {
      // The process ends anyway, and the next start clears what is left.
    }
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function environment(): NodeJS.ProcessEnv {
  // PGDATA, PGPORT and the like would change the server; messages have to be English to be recognised.
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && name !== 'LANGUAGE');
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
