import type { Kysely, Transaction } from '@mikro-orm/postgresql';
import { NO_CLIENT_TIMEOUT_MS, type SqlExecutor, type StatementOptions } from './sql-executor.js';
import { BEGIN, readSessionState } from './session.js';
import { endsConnection, getSqlState } from './sql-state.js';
import type { SubmittedQuery } from './submitted-query.js';
import { ReadOnlyDatabaseError } from '../errors/database.errors.js';

/** SQLSTATE feature_not_supported, and read_only_sql_transaction. */
const FEATURE_NOT_SUPPORTED = '0A000';
const READ_ONLY = '25006';

/** How a transaction of our own begins. */
export interface TransactionOptions {
  /** @default read committed, read write */
  readonly begin?: string;
  /** Statements that set something for the transaction. */
  readonly settings?: readonly string[];
}

type Rollback = (options?: StatementOptions) => Promise<unknown>;

/** One connection, whose state is watched: each transaction that is opened on it here is closed here. */
abstract class Connection implements SqlExecutor {
  /** Whether the connection is known to be idle, outside of what was opened on it. */
  protected isKnown = true;

  constructor(private readonly executor: SqlExecutor) {}

  async query<Row extends object>(
    sql: string,
    parameters?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row[]> {
    try {
      return await this.executor.query<Row>(sql, parameters, options);
    } catch (error) {
      this.isKnown &&= !endsConnection(error);
      throw error;
    }
  }

  /**
   * Runs `work` in a transaction.
   *
   * @throws ReadOnlyDatabaseError
   */
  transaction<T>(
    work: (sql: SqlExecutor) => Promise<T>,
    { begin = BEGIN, settings = [] }: TransactionOptions = {},
  ): Promise<T> {
    return this.closing(async () => {
      await this.begin(begin);
      for (const setting of settings) {
        await this.query(setting);
      }
      const result = await work(this);
      await this.query('COMMIT');
      return result;
    });
  }

  /** Runs work that opens and commits something itself. If it fails, that does not stay open. */
  async closing<T>(
    work: () => Promise<T>,
    rollback: Rollback = (options) => this.query('ROLLBACK', [], options),
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // The caller learns why the work failed, whatever becomes of the rollback.
      await this.undo(rollback);
      throw error;
    }
  }

  /** A standby refuses READ WRITE. A connection to one leads to a primary that is no longer one: the next may find the new one. */
  private async begin(begin: string): Promise<void> {
    try {
      await this.query(begin);
    } catch (error) {
      if (getSqlState(error) !== FEATURE_NOT_SUPPORTED) {
        throw error;
      }
      this.isKnown = false;
      throw new ReadOnlyDatabaseError((error as Error).message, { sqlState: READ_ONLY, cause: error });
    }
  }

  /** Must not throw. */
  protected abstract undo(rollback: Rollback): Promise<void>;
}

/** A connection from a pool, which nobody else uses until it is given back. */
export class BorrowedConnection extends Connection {
  /** @param send hands a query to the driver; what becomes of it, the query tells */
  constructor(
    executor: SqlExecutor,
    private readonly send: (query: SubmittedQuery<unknown>) => Promise<unknown>,
    private readonly kysely?: Kysely<unknown>,
  ) {
    super(executor);
  }

  /** Whether the connection can be lent again. If not, it must be destroyed: its next user would work in an open transaction. */
  get isReusable(): boolean {
    return this.isKnown;
  }

  /** Runs a query that speaks the protocol itself, in a transaction that it closes if it succeeds. */
  submit<T>(query: SubmittedQuery<T>): Promise<T> {
    return this.closing(async () => {
      // It may fail before the driver has taken it.
      query.done.catch(() => undefined);
      try {
        await this.send(query);
        return await query.done;
      } catch (error) {
        this.isKnown &&= !endsConnection(error);
        throw error;
      }
    });
  }

  /** Makes sure that the session that other code has used is given back as it was, or not at all. */
  async leavingSession<T>(work: () => Promise<T>): Promise<T> {
    const before = await readSessionState(this);
    try {
      return await work();
    } finally {
      this.isKnown &&= (await readSessionState(this).catch(() => undefined)) === before;
    }
  }

  /** Runs `work` in a transaction that MikroORM knows, with what {@link BEGIN} says. */
  mikroOrmTransaction<T>(work: (context: Transaction) => Promise<T>): Promise<T> {
    const begin = this.kysely!.startTransaction().setIsolationLevel('read committed').setAccessMode('read write');
    let context: Awaited<ReturnType<typeof begin.execute>> | undefined;
    return this.closing(
      async () => {
        context = await begin.execute();
        const result = await work(context);
        await context.commit().execute();
        return result;
      },
      // By MikroORM if possible, because it then refuses what a promise that nobody awaited sends later.
      () => context?.rollback().execute() ?? this.query('ROLLBACK'),
    );
  }

  protected async undo(rollback: Rollback): Promise<void> {
    if (this.isKnown) {
      await rollback().catch(() => {
        this.isKnown = false;
      });
    }
  }
}

/** A connection of the host's, which stays open. */
export class HostConnection extends Connection {
  /** Runs `work` in a savepoint of the transaction that is open. */
  async savepoint<T>(work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    await this.query('SAVEPOINT prismiq');
    return this.closing(
      async () => {
        const result = await work(this);
        await this.query('RELEASE SAVEPOINT prismiq');
        return result;
      },
      (options) => this.query('ROLLBACK TO SAVEPOINT prismiq; RELEASE SAVEPOINT prismiq', [], options),
    );
  }

  /**
   * If the server does not answer, the rollback is sent without a time limit and not waited for: `pg` sends statements in order, so
   * that the host's next one, even a COMMIT, comes after it.
   */
  protected async undo(rollback: Rollback): Promise<void> {
    if (this.isKnown) {
      await rollback().catch(() => undefined);
    }
    if (!this.isKnown) {
      rollback({ timeoutMs: NO_CLIENT_TIMEOUT_MS }).catch(() => undefined);
    }
  }
}
