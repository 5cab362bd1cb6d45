/**
 * Something to which statements can be sent: a connection, a transaction, or a pool that picks a connection for each.
 * Statements are unnamed, so that they pass through a transaction-mode pooler.
 */
export interface SqlExecutor {
  /** @param parameters bound to the placeholders `$1`, `$2`, … */
  query<Row extends object>(sql: string, parameters?: readonly unknown[], options?: StatementOptions): Promise<Row[]>;
}

export interface StatementOptions {
  /**
   * How long the client waits for the answer, in milliseconds.
   * @default `query_timeout` of the driver
   */
  readonly timeoutMs?: number | undefined;
}

/** The longest time that a timer of Node takes: 24 days. The server's own time limits apply. */
export const NO_CLIENT_TIMEOUT_MS = 2 ** 31 - 1;
