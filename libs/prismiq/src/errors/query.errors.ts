import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/** The machine-readable kind of a fault in a query. */
export type QueryIssueCode =
  | 'TABLE_NOT_FOUND'
  | 'COLUMN_NOT_FOUND'
  | 'INVALID_JOIN'
  | 'TYPE_MISMATCH'
  | 'INVALID_AGGREGATION'
  | 'EMPTY_QUERY'
  | 'CIRCULAR_JOIN'
  | 'AMBIGUOUS_COLUMN'
  | 'INVALID_TIME_SERIES'
  | 'INVALID_FILTER'
  | 'INVALID_EXPRESSION'
  | 'INVALID_SQL';

/** One fault of a query. Hidden tables and columns are named nowhere in it. */
export interface QueryIssue {
  readonly code: QueryIssueCode;
  readonly message: string;
  /** Where the fault stands in the definition, e.g. `tables[0].name`. */
  readonly field?: string | undefined;
  /** Names similar visible tables or columns. */
  readonly suggestion?: string | undefined;
}

/**
 * The query does not fit the tables that the tenant's users may see, or it makes no sense, e.g. it adds up texts. `issues` lists the
 * faults. Nothing was sent to the database.
 *
 * @publicApi
 */
export class InvalidQueryError extends PrismiqError {
  override readonly code = 'INVALID_QUERY';

  constructor(
    readonly issues: readonly QueryIssue[],
    context: PrismiqErrorContext = {},
  ) {
    super(`Query validation failed: ${issues.map(({ message }) => message).join('; ')}`, 400, true, context);
  }
}
