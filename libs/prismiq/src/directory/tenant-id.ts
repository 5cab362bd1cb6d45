import { InvalidTenantIdError } from '../errors/tenancy.errors.js';

/** The length of the `tenant_id` columns. */
const MAX_CHARACTERS = 255;

/** Why the id of a tenant or a user cannot be used; `undefined` if it can. */
export function idProblem(id: unknown): string | undefined {
  if (typeof id !== 'string') {
    return `it is ${id === null ? 'null' : `of type ${typeof id}`}, and must be a string: convert it, as in String(id).`;
  }
  // Each half of a surrogate pair reaches PostgreSQL as U+FFFD, so that two ids would be one.
  return id === '' || id.length > MAX_CHARACTERS || id.includes('\u0000') || !id.isWellFormed()
    ? `it must have 1 to ${MAX_CHARACTERS} characters, none of them U+0000 or half of a surrogate pair.`
    : undefined;
}

export const isTenantId = (id: unknown): id is string => idProblem(id) === undefined;

/** @throws InvalidTenantIdError */
export function assertTenantId(id: string): void {
  const problem = idProblem(id);
  if (problem !== undefined) {
    throw new InvalidTenantIdError(problem);
  }
}
