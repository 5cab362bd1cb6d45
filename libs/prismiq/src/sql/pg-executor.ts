import type { SqlExecutor } from './sql-executor.js';

/** What Prismiq needs of a `pg` `Client` or `PoolClient`. Structural, so that any version of `pg` fits. */
export interface PgClient {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** What Prismiq needs of a client that a `pg` `Pool` has lent. */
export interface PgPoolClient extends PgClient {
  release(error?: Error | boolean): void;
  on?(event: 'error', listener: () => void): unknown;
  removeListener?(event: 'error', listener: () => void): unknown;
}

/** What Prismiq needs of a `pg` `Pool`. */
export interface PgPool extends PgClient {
  connect(): Promise<PgPoolClient>;
  readonly totalCount: number;
}

export function pgExecutor(client: PgClient): SqlExecutor {
  return {
    async query<Row extends object>(sql: string, parameters: readonly unknown[] = []) {
      const { rows } = await client.query(sql, [...parameters]);
      return rows as Row[];
    },
  };
}
