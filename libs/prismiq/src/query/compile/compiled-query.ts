/** A query definition as SQL. */
export interface CompiledQuery {
  /** One SELECT statement; its columns are named `k1`, `k2`, …. */
  readonly sql: string;
  /** The values of `$1`, `$2`, …: texts, numbers, booleans, null, and arrays of these. */
  readonly parameters: readonly unknown[];
  /** The columns of the result, in order, by the names that the client wants. */
  readonly columns: readonly { readonly name: string }[];
  /**
   * The most rows that a result may have. The statement returns one more if there are more, and if the client asked for more: then
   * the result is cut and `truncated`.
   */
  readonly maximumRows: number;
  /**
   * Whether the statement returns one more column at the end, which is no part of the result. It is false in every row where the gaps of
   * a time series would have been too many to fill; the result then needs the warning {@link TOO_MANY_GAPS}.
   */
  readonly hasFillMarker: boolean;
  /** What was left out of the query, in sentences for its author. */
  readonly warnings: readonly string[];
  /** Whether the result depends on the day on which it is computed. */
  readonly usesToday: boolean;
}

export const TOO_MANY_GAPS = 'The time series was not filled: it would have more than 10000 cells';
