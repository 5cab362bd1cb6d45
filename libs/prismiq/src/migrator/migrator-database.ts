import type { MikroORM, Transaction } from '@mikro-orm/postgresql';
import { borrow, pooledExecutor, type Lender } from '../sql/borrow.js';
import type { BorrowedConnection } from '../sql/connection.js';
import { withDedicatedClient, type DedicatedClient } from '../sql/dedicated-client.js';
import { mikroOrmExecutor } from '../sql/mikro-orm-executor.js';
import type { PgPool } from '../sql/pg-executor.js';
import { inspectServer } from '../sql/server-version.js';
import { NO_CLIENT_TIMEOUT_MS, type SqlExecutor, type StatementOptions } from '../sql/sql-executor.js';

/**
 * The time limits of a run are set on the server, in each transaction. A `query_timeout` of the driver, meant for requests, would give
 * up on a migration while the server goes on and commits it.
 */
const OPTIONS = { timeoutMs: NO_CLIENT_TIMEOUT_MS };

/** A transaction on a connection of its own. */
export interface FleetTransaction extends SqlExecutor {
  /** With this, a MikroORM migration sends statements itself. */
  readonly context: Transaction | undefined;
}

/** The database of all tenants, which lends connections. A transaction that the host is in is not joined. */
export class FleetDatabase implements SqlExecutor {
  /** `undefined` if there is only a `pg` pool. */
  readonly orm: MikroORM | undefined;
  readonly #lender: Lender;
  readonly #executor: SqlExecutor;

  constructor(target: MikroORM | PgPool) {
    this.orm = 'em' in target ? target : undefined;
    this.#lender = 'em' in target ? { em: target.em } : { pool: target };
    this.#executor = pooledExecutor(this.#lender, OPTIONS);
  }

  /** Sends one statement, on any connection, in a transaction of its own. */
  query<Row extends object>(sql: string, parameters?: readonly unknown[], options?: StatementOptions): Promise<Row[]> {
    return this.#executor.query(sql, parameters, options);
  }

  /**
   * Lends a connection. `work` begins and commits by itself, so that it can do it in the text of other statements; if it fails, its
   * transaction is rolled back.
   *
   * @param runsHostCode whether statements of the host are sent: if they change the session, the connection is not used again
   */
  connection<T>(work: (connection: SqlExecutor) => Promise<T>, runsHostCode = false): Promise<T> {
    return this.borrow(runsHostCode, (connection) => connection.closing(() => work(connection)));
  }

  /**
   * Runs `work` in a transaction that MikroORM knows, if there is a MikroORM.
   *
   * @param runsHostCode as for {@link connection}
   */
  transaction<T>(work: (transaction: FleetTransaction) => Promise<T>, runsHostCode = false): Promise<T> {
    const { orm } = this;
    return this.borrow(runsHostCode, (connection) =>
      orm === undefined
        ? connection.transaction((sql) =>
            work({ query: (...statement) => sql.query(...statement), context: undefined }),
          )
        : connection.mikroOrmTransaction((context) =>
            work({ ...mikroOrmExecutor(orm.em, (query) => context.executeQuery(query), OPTIONS), context }),
          ),
    );
  }

  /** Lends a `pg` client for a session that is not given back, but closed. */
  dedicatedClient<T>(work: (client: DedicatedClient) => Promise<T>): Promise<T> {
    return withDedicatedClient(this.#lender, work);
  }

  /**
   * Whether the server is a Citus coordinator, which takes one statement a call.
   *
   * @throws UnsupportedServerError
   */
  async isCitus(): Promise<boolean> {
    return (await inspectServer(this)).isCitus;
  }

  private borrow<T>(runsHostCode: boolean, work: (connection: BorrowedConnection) => Promise<T>): Promise<T> {
    return borrow(
      this.#lender,
      (connection) => (runsHostCode ? connection.leavingSession(() => work(connection)) : work(connection)),
      OPTIONS,
    );
  }
}
