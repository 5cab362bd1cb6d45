import { TYPES } from './type-parsers.js';
import { NO_CLIENT_TIMEOUT_MS, type SqlExecutor, type StatementOptions } from './sql-executor.js';

/** A query as `pg` takes it. */
export interface PgQuery {
  text: string;
  values?: unknown[];
  types?: typeof TYPES;
  /** Milliseconds. Missing from the types of `pg`. */
  query_timeout?: number;
}

/** The part of a `pg` `Client` or `PoolClient` that Prismiq uses. Structural, so that any version of `pg` fits. */
export interface PgClient {
  query(query: PgQuery): Promise<{ rows: unknown[] }>;
}

/** The part of a client from a `pg` `Pool` that Prismiq uses. */
export interface PgPoolClient extends PgClient {
  release(error?: Error | boolean): void;
  on?(event: 'error', listener: () => void): unknown;
  removeListener?(event: 'error', listener: () => void): unknown;
}

/** The part of a `pg` `Pool` that Prismiq uses. */
export interface PgPool extends PgClient {
  connect(callback: (error: Error | undefined, client: PgPoolClient | undefined) => void): void;
  readonly totalCount: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- the client of whatever version of pg
  on?(event: 'acquire', listener: (client: any) => void): unknown;
}

const ignoreError = (): void => undefined;

/**
 * Takes a client from a pool, which does not listen to its errors meanwhile, and an error that nobody listens to ends the process.
 * By a callback: the error of a connection that the server ends at once may arrive together with it, before a promise continues.
 */
export function checkOut(pool: PgPool): Promise<PgPoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (client === undefined) {
        reject(error!);
      } else {
        client.on?.('error', ignoreError);
        resolve(client);
      }
    });
  });
}

/** @param destroys whether the pool must close the client */
export function giveBack(client: PgPoolClient, destroys: boolean): void {
  client.removeListener?.('error', ignoreError);
  client.release(destroys);
}

/** @param options for statements that have none of their own */
export function pgExecutor(client: PgClient, options?: StatementOptions): SqlExecutor {
  return {
    async query<Row extends object>(sql: string, parameters: readonly unknown[] = [], own = options) {
      const { rows } = await client.query({ ...pgQuery(sql, own), values: [...parameters] });
      return rows as Row[];
    },
  };
}

export function pgQuery(text: string, options: StatementOptions | undefined): PgQuery {
  return options?.timeoutMs === undefined
    ? { text, types: TYPES }
    : { text, types: TYPES, query_timeout: Math.min(options.timeoutMs, NO_CLIENT_TIMEOUT_MS) };
}
