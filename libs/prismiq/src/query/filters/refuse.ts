import { InvalidQueryError, type QueryIssueCode } from '../../errors/query.errors.js';

/** @throws InvalidQueryError with one fault; the compiler adds where it stands */
export function refuse(code: QueryIssueCode, message: string, suggestion?: string): never {
  throw new InvalidQueryError([{ code, message, suggestion }]);
}
