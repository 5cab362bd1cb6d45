import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.js';

const NAMES = ['ts', 'mts', 'js', 'mjs'].map((extension) => `prismiq.config.${extension}`);

/**
 * The configuration file: the one that was named, or the nearest of the usual name, in a folder or one above it.
 *
 * @returns its absolute path; `undefined`: there is none, which is fine
 * @throws UsageError
 */
export function findConfig(folder: string, named: string | undefined): string | undefined {
  if (named !== undefined) {
    const path = resolve(folder, named);
    if (!existsSync(path)) {
      throw new UsageError(`There is no configuration file ${path}. Check --config or PRISMIQ_CONFIG.`);
    }
    return path;
  }
  const found = NAMES.map((name) => join(folder, name)).filter(existsSync);
  if (found.length > 1) {
    throw new UsageError(`There are ${found.join(' and ')}. Delete one, or name the one to use: --config FILE.`);
  }
  const above = dirname(folder);
  return found[0] ?? (above === folder ? undefined : findConfig(above, undefined));
}
