import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.js';

const NAMES = ['ts', 'mts', 'js', 'mjs'].map((extension) => `prismiq.config.${extension}`);

/**
 * Finds the configuration file: the named one, or else the nearest one with a standard name in the folder or one above it.
 *
 * @returns its absolute path, or undefined if there is none
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
