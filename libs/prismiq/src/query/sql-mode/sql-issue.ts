import { InvalidQueryError, type QueryIssue, type QueryIssueCode } from '../../errors/query.errors.js';

/** Where something stands in a text, from 1. */
export interface SqlPlace {
  readonly line: number;
  /** In characters. */
  readonly column: number;
}

export const describeProblem = (problem: string, place: SqlPlace | undefined): string =>
  place === undefined ? problem : `${problem} (line ${place.line}, column ${place.column})`;

export const toIssue = (
  problem: string,
  place: SqlPlace | undefined,
  code: QueryIssueCode = 'INVALID_SQL',
): QueryIssue => ({ code, message: describeProblem(problem, place) });

/** @throws InvalidQueryError */
export function refuse(problem: string, place?: SqlPlace): never {
  throw new InvalidQueryError([toIssue(problem, place)]);
}
