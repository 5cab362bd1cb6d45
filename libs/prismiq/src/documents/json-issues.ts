import type { DocumentIssue } from '../errors/record.errors.js';

/** Far beyond what a document needs, and far below where JSON.stringify runs out of stack. */
const MAX_DEPTH = 100;

interface Place {
  value: unknown;
  depth: number;
  parent?: Place | undefined;
  key?: string | number;
}

/**
 * What in an input cannot be stored as JSON in PostgreSQL, or would end whoever reads it: nested too deeply (or in itself), U+0000,
 * half of a surrogate pair, a bigint. Not recursive, so that no input can exhaust the stack here.
 */
export function jsonIssues(input: unknown): DocumentIssue[] {
  const issues: DocumentIssue[] = [];
  const pending: Place[] = [{ value: input, depth: 0 }];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    const message = messageFor(place);
    if (message !== undefined) {
      issues.push({ type: 'invalid_json', path: pathOf(place), message });
    } else if (typeof place.value === 'object' && place.value !== null) {
      const isArray = Array.isArray(place.value);
      for (const [key, value] of Object.entries(place.value)) {
        pending.push({ value, depth: place.depth + 1, parent: place, key: isArray ? Number(key) : key });
      }
    }
  }
  return issues;
}

function messageFor({ value, depth }: Place): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.includes('\u0000') || !value.isWellFormed()
        ? 'must not contain the character U+0000 or half of a surrogate pair'
        : undefined;
    case 'bigint':
      return 'must be a number that JSON can carry';
    case 'object':
      return depth > MAX_DEPTH ? `must not be nested more than ${MAX_DEPTH} levels deep` : undefined;
    default:
      return undefined;
  }
}

function pathOf(place: Place): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) {
    path.unshift(at.key);
  }
  return path;
}
