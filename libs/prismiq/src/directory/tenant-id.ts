import { InvalidTenantIdError } from '../errors/tenancy.errors.js';

/** What the `tenant_id` columns hold. */
const MAX_CHARACTERS = 255;

/** What is wrong with the id of a tenant or a user; nothing: it can be used. */
export function problemOfId(id: unknown): string | undefined {
  if (typeof id !== 'string') {
    return `it is ${id === null ? 'null' : `of type ${typeof id}`}, and must be a string: convert it, as in String(id).`;
  }
  // Of all halves of a surrogate pair PostgreSQL is sent the same U+FFFD: two ids would be one.
  return id === '' || id.length > MAX_CHARACTERS || id.includes('\u0000') || !id.isWellFormed()
    ? `it must have 1 to ${MAX_CHARACTERS} characters, none of them U+0000 or half of a surrogate pair.`
    : undefined;
}

export const isTenantId = (id: unknown): id is string => problemOfId(id) === undefined;

/** @throws InvalidTenantIdError */
export function assertTenantId(id: string): void {
  const problem = problemOfId(id);
  if (problem !== undefined) {
    throw new InvalidTenantIdError(problem);
  }
}
