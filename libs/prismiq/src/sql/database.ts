import { Inject, Injectable } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { PRISMIQ_ORM } from '../prismiq.constants.js';
import { AfterCommit, type TransactionListener } from './after-commit.js';
import { currentTransaction } from './mikro-orm-executor.js';
import { getPoolSize } from './pool-size.js';
import type { SqlExecutor } from './sql-executor.js';
import { getSqlState } from './sql-state.js';
import { toExecutor } from './sql-target.js';
import { beginWithin, type TransactionLimits } from './session.js';
import { inTransaction } from './transaction.js';

/** The database of a registration. What the host's `em.transactional()` encloses is part of that transaction. */
@Injectable()
export class Database implements SqlExecutor {
  readonly #executor: SqlExecutor;
  readonly #afterCommit = new AfterCommit();

  constructor(@Inject(PRISMIQ_ORM) private readonly orm: MikroORM) {
    orm.em.getEventManager().registerSubscriber(this.#afterCommit);
    this.#executor = toExecutor(orm);
  }

  /**
   * Sends one statement. If it fails inside the host's transaction, the transaction fails with it. Outside, if it fails by the session's
   * default of read only or of a strict isolation, it runs again in a transaction with neither.
   */
  async query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
    try {
      return await this.#executor.query<Row>(sql, parameters);
    } catch (error) {
      if (!isSessionDefault(error) || this.isInTransaction()) {
        throw error;
      }
      return this.transaction((transaction) => transaction.query<Row>(sql, parameters));
    }
  }

  /** Runs several statements as a whole; see {@link inTransaction}. */
  transaction<T>(work: (sql: SqlExecutor) => Promise<T>, limits?: TransactionLimits): Promise<T> {
    return inTransaction(this.orm, work, limits && { begin: beginWithin(limits) });
  }

  /** Runs one statement that writes, or may well fail, in such a way that its failure does not end the host's transaction. */
  write<T>(work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.isInTransaction() ? this.transaction(work) : work(this);
  }

  /** Whether the call is made inside a transaction of the host. */
  isInTransaction(): boolean {
    return currentTransaction(this.orm.em) !== undefined;
  }

  /** Listens to the outcome of the host's transaction around the call. */
  follow(listener: TransactionListener): void {
    this.#afterCommit.add(currentTransaction(this.orm.em)!, listener);
  }

  /** How many connections the pool may open. */
  poolSize(): number {
    return getPoolSize(this.orm);
  }
}

/** SQLSTATE read_only_sql_transaction, and serialization_failure. */
const isSessionDefault = (error: unknown): boolean => ['25006', '40001'].includes(getSqlState(error) ?? '');
