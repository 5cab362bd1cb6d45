import { MAX_ISSUES, type DocumentIssue } from '../errors/record.errors.js';

/** Far beyond the needs of any document, and far below the depth at which JSON.stringify runs out of stack. */
const MAX_DEPTH = 100;

const UNSTORABLE_TEXT = 'must not contain the character U+0000 or half of a surrogate pair';

interface Container {
  value: object;
  depth: number;
  parent?: Container | undefined;
  key?: string | number | undefined;
}

/**
 * Finds what PostgreSQL cannot store as JSON, or what would break its readers: deep or circular nesting, U+0000, half of a
 * surrogate pair, a bigint. Not recursive, so that no input can exhaust the stack. Stops at {@link MAX_ISSUES}.
 */
export function jsonIssues(input: unknown): DocumentIssue[] {
  const issues: DocumentIssue[] = [];
  const pending: Container[] = [];
  const visit = (value: unknown, depth: number, parent?: Container, key?: string | number): void => {
    const message = typeof key === 'string' && !isStorable(key) ? UNSTORABLE_TEXT : messageFor(value, depth);
    if (message !== undefined) {
      issues.push({ type: 'invalid_json', path: pathTo(parent, key), message });
    } else if (typeof value === 'object' && value !== null) {
      pending.push({ value, depth, parent, key });
    }
  };
  visit(input, 0);
  for (let container = pending.pop(); container !== undefined; container = pending.pop()) {
    const { value, depth } = container;
    const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
    for (const key of keys) {
      visit((value as Record<string | number, unknown>)[key], depth + 1, container, key);
      if (issues.length === MAX_ISSUES) {
        return issues;
      }
    }
  }
  return issues;
}

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

function messageFor(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return isStorable(value) ? undefined : UNSTORABLE_TEXT;
    case 'bigint':
      return 'must be a number that JSON can carry';
    case 'object':
      return depth > MAX_DEPTH && value !== null ? `must not be nested more than ${MAX_DEPTH} levels deep` : undefined;
    default:
      return undefined;
  }
}

function pathTo(parent: Container | undefined, key: string | number | undefined): (string | number)[] {
  const path = key === undefined ? [] : [key];
  for (let at = parent; at?.key !== undefined; at = at.parent) {
    path.unshift(at.key);
  }
  return path;
}
