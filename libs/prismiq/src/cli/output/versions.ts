import type { TenantVersion } from '../../migrations/migration-target.js';
import type { Output } from './output.js';
import { count, printable } from './text.js';

/** A version in words: the newest migration, of each source where there are several. */
export function versionText(version: TenantVersion): string {
  const sources = Object.entries(version);
  const words = sources.map(([source, name]) =>
    sources.length > 1 ? `${source} ${name ?? 'none'}` : (name ?? 'none'),
  );
  return words.length === 0 ? 'none' : words.join(', ');
}

const MAX_NAMES_SHOWN = 5;

/** The first few names and how many more there are; with `--verbose` all names. */
export function namesText(names: readonly string[], { verbose }: Output): string {
  const shown = names.slice(0, verbose ? Infinity : MAX_NAMES_SHOWN);
  const rest = names.length - shown.length;
  return printable(shown.join(', ')) + (rest > 0 ? ` and ${count(rest)} more` : '');
}
