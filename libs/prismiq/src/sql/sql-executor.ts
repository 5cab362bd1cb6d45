/**
 * Something to which statements can be sent: a connection, a transaction, or a pool that picks a connection for each.
 * Values travel as bound parameters, always; statements are unnamed, so that they pass through a transaction-mode pooler.
 */
export interface SqlExecutor {
  query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}
