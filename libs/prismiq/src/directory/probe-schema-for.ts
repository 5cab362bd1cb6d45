import { createHash } from 'node:crypto';
import type { SchemaFor } from './schema-for.js';

/** What `schemaFor` does with ids, as far as samples show. */
export type SchemaMapping =
  /** It adds a prefix and a suffix to the id and leaves the id unchanged. */
  | { readonly kind: 'pattern'; readonly prefix: string; readonly suffix: string }
  /** It maps many tenants to one schema: all of them, or those of a shard. */
  | { readonly kind: 'shared' }
  /** It changes the id, so that two ids may give one schema, such as "a-b" and "a_b" where it replaces dashes. */
  | { readonly kind: 'unknown' };

/** An id of each common form. A `schemaFor` may refuse forms that its ids never have. */
export const UUID_PROBE = '3f2b8c1e-9d47-4a6b-8e05-71c4d2f6a903';
const PLAIN_IDS = ['prismiqprobe', '4711000001', UUID_PROBE];

/** Each printable character at the start, inside and at the end of an id; and ids that may be trimmed, folded, cut or normalized. */
const ODD_IDS = [
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).flatMap((character) => [
    `${character}q`,
    `q${character}q`,
    `q${character}`,
  ]),
  '007',
  '\tq\n',
  'q--q',
  'q__q',
  'e\u0301',
  '\u00e9\ufb01\u0130',
  'q'.repeat(255),
];

/** Enough that some of them share a shard, however the tenants are spread over some hundreds of schemas. */
const SAMPLE_SIZE = 256;
const digests = Array.from({ length: SAMPLE_SIZE }, (_, index) =>
  createHash('sha256').update(`${index}`).digest('hex'),
);
const SAMPLES = [
  digests.map((digest) => digest.slice(0, 12).replaceAll(/\d/g, (digit) => 'ghijklmnop'[Number(digit)]!)),
  digests.map((digest) => String(Number.parseInt(digest.slice(0, 12), 16))),
  digests.map((digest) => digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5')),
];

/** Tries `schemaFor` on ids of all forms. */
export function probeSchemaFor(schemaFor: SchemaFor): SchemaMapping {
  const schemas = (ids: readonly string[]) => ids.map((id) => attempt(schemaFor, id));
  if (SAMPLES.some((sample) => hasRepetition(schemas(sample)))) {
    return { kind: 'shared' };
  }
  const ids = [...PLAIN_IDS, ...ODD_IDS];
  const results = schemas(ids);
  const index = results.findIndex((schema) => schema !== undefined);
  const [prefix, suffix, ...more] = results[index]?.split(ids[index]!) ?? [];
  const isPattern =
    prefix !== undefined &&
    suffix !== undefined &&
    more.length === 0 &&
    ids.every((id, position) => (results[position] ?? prefix + id + suffix) === prefix + id + suffix);
  return isPattern ? { kind: 'pattern', prefix, suffix } : { kind: 'unknown' };
}

/** @returns `undefined` if `schemaFor` refuses the id */
export function attempt(schemaFor: SchemaFor, id: string): string | undefined {
  try {
    return schemaFor(id);
  } catch {
    return undefined;
  }
}

function hasRepetition(schemas: readonly (string | undefined)[]): boolean {
  const given = schemas.filter((schema) => schema !== undefined);
  return new Set(given).size < given.length;
}
