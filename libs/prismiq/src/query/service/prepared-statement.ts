import type { SqlErrorReport } from '../sql-mode/describe-sql-error.js';

/** A statement that is ready to run, and what has to be known to read its result. */
export interface PreparedStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** The names of the result's columns; `undefined`: those of the statement. */
  readonly columns: readonly string[] | undefined;
  readonly maximumRows: number;
  readonly hasFillMarker: boolean;
  readonly warnings: readonly string[];
  /** The zone of the session. */
  readonly timeZone: string;
  /** Lower than that of the options. */
  readonly timeoutMs?: number | undefined;
  /** Tells the author of the statement what the server has refused in it; nothing if it is not their fault. */
  describeError?(report: SqlErrorReport): string | undefined;
}
