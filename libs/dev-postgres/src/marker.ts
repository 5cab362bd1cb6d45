import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = '.prismiq-dev-postgres';

/** What we note in a data folder once initdb has finished in it. */
export interface Marker {
  readonly persistent: boolean;
}

/** Reads the note of a data folder; `undefined` when the folder is not one of ours. */
export function readMarker(dataDir: string): Marker | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as Marker;
  } catch {
    return undefined;
  }
}

/** Notes in a data folder that it is ours, and whether its data are to be kept. */
export function writeMarker(dataDir: string, marker: Marker): void {
  writeFileSync(join(dataDir, FILE), `${JSON.stringify(marker)}\n`);
}

/** Tells whether a data folder is one of ours. */
export function isOurs(dataDir: string): boolean {
  return existsSync(join(dataDir, FILE));
}
