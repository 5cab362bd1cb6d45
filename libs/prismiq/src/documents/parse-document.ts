import type { z } from 'zod';
import { InvalidDocumentError, MAX_ISSUES, type DocumentIssue } from '../errors/record.errors.js';
import { jsonIssues } from './json-issues.js';

/**
 * Checks an input against its schema.
 *
 * @returns a copy, with defaults applied
 * @throws InvalidDocumentError
 */
export function parseDocument<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const issues = jsonIssues(input);
  if (issues.length > 0) {
    throw new InvalidDocumentError(issues);
  }
  const result = schema.safeParse(input, { reportInput: true });
  if (!result.success) {
    throw new InvalidDocumentError(result.error.issues.slice(0, MAX_ISSUES).map(toIssue));
  }
  return result.data;
}

function toIssue({ code, path, message, input }: z.core.$ZodIssue): DocumentIssue {
  return { type: code, path: path.map((key) => (typeof key === 'number' ? key : String(key))), message, input };
}
