import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { lifeOf } from './processes.ts';

interface Owner {
  pid: number;
  life: string;
}

/**
 * Notes in `<dataDir>.owner` that this process uses the data folder. The note tells a server that is in use
 * from one that was left behind by a crash.
 *
 * @returns gives the folder free
 * @throws when another live process, or an earlier start of this one, uses the folder
 */
export function claim(dataDir: string): () => void {
  const file = `${dataDir}.owner`;
  const draft = `${file}.${process.pid}-${randomUUID().slice(0, 8)}`;
  const id = randomUUID();
  const note = JSON.stringify({ pid: process.pid, life: lifeOf(process.pid) ?? '', id });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(draft, note);
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      if (publish(draft, file, note)) {
        return () => {
          if (readNote(file) === note) rmSync(file, { force: true });
        };
      }
      const seen = readNote(file);
      if (seen === undefined) continue;
      const owner = parseNote(seen);
      if (owner && isAlive(owner)) {
        const who = owner.pid === process.pid ? 'this very process' : `the process ${owner.pid}`;
        throw new Error(
          `The PostgreSQL data in ${dataDir} is in use by ${who}. ` +
            'Stop that one first, or start this one with another data folder.',
        );
      }
      putAside(file, `${draft}.stale`, seen);
    }
    throw new Error(`The file ${file} cannot be taken over. Remove it, then start again.`);
  } finally {
    rmSync(draft, { force: true });
  }
}

// A link appears with its content at once, so that nobody reads half a note.
function publish(draft: string, file: string, note: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  try {
    // Some file systems have no links.
    writeFileSync(file, note, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function putAside(file: string, aside: string, expected: string): void {
  try {
    renameSync(file, aside);
    // Another starter may have replaced the stale note since we read it: then hand its note back.
    if (readNote(aside) !== expected) linkSync(aside, file);
  } catch {
    // Somebody else was faster; the next attempt reads their note.
  }
  rmSync(aside, { force: true });
}

function isAlive(owner: Owner): boolean {
  const life = lifeOf(owner.pid);
  return life !== undefined && (life === '' || owner.life === '' || life === owner.life);
}

function readNote(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseNote(note: string): Owner | undefined {
  try {
    const owner = JSON.parse(note) as Owner;
    return Number.isInteger(owner.pid) ? owner : undefined;
  } catch {
    return undefined;
  }
}
