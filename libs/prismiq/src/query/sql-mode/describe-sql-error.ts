import type { CompiledSql } from './sql-mode-query.js';
import { describeProblem } from './sql-issue.js';

/** What PostgreSQL may say about a user's text, by SQLSTATE. Its own words may name what the user must not see. */
const PROBLEMS: Readonly<Record<string, string>> = {
  '0A000': 'The server does not support this',
  '42601': 'The server does not know this syntax',
  '42702': 'The name of a column is ambiguous: qualify it by its table',
  '42703': 'Column not found',
  '42704': 'The name is not known',
  '42712': 'A table or alias occurs twice: give it another alias',
  '42725': 'Several functions or operators fit: cast the arguments',
  '42803': 'A column must be in GROUP BY or in an aggregate, or an aggregate is not allowed here',
  '42804': 'Types do not match: cast the values',
  '42809': 'The name is of another kind than this syntax needs',
  '42846': 'A value cannot be cast to this type',
  '42883': 'No function or operator takes arguments of these types: cast them',
  '42P01': 'Table or alias not found',
  '42P08': 'A parameter is used with several types: cast it, as in :name::text',
  '42P10': 'An expression is not allowed here, such as one of ORDER BY that is not selected',
  '42P18': 'The type of a parameter is not known: cast it, as in :name::text',
  '42P19': 'A recursive query is not valid',
  '42P20': 'A window is not valid',
};

/** The statement is at fault, and not its data or the server. */
const FAULT_OF_STATEMENT = /^(0A|42)/;

/** An error of PostgreSQL's, as `pg` reports it. */
export interface SqlErrorReport {
  readonly sqlState: string;
  /** In characters, from 1. */
  readonly position: number | undefined;
}

/**
 * What the author of a text is told about an error of PostgreSQL's.
 *
 * @returns undefined where their text is not at fault; then the visible schema may be out of date
 */
export function describeSqlError(
  compiled: Pick<CompiledSql, 'findPlace'>,
  { sqlState, position }: SqlErrorReport,
): string | undefined {
  const place = position === undefined ? undefined : compiled.findPlace(position);
  if (!FAULT_OF_STATEMENT.test(sqlState) || (position !== undefined && place === undefined)) {
    return undefined;
  }
  return describeProblem(PROBLEMS[sqlState] ?? 'The statement is not valid', place);
}
