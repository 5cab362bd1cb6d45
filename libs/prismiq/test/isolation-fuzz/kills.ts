import { setTimeout as sleep } from 'node:timers/promises';
import { TEST_ITSELF, type TestDatabase } from '../../../../test/support/test-database.js';

/**
 * Ends connections that are under test, whatever they are doing, but for transactions that the host begins with
 * `em.transactional()`: MikroORM 7.2 does not give back the connection of one whose rollback fails, so that its pool has one less
 * from then on, with or without this package.
 */
export class Kills {
  #openTransactions = 0;
  #killing: Promise<void> | undefined;

  constructor(private readonly database: TestDatabase) {}

  /** Runs what is not to lose its connection. */
  async spare<T>(transaction: () => Promise<T>): Promise<T> {
    while (this.#killing !== undefined) {
      await this.#killing;
    }
    this.#openTransactions += 1;
    try {
      return await transaction();
    } finally {
      this.#openTransactions -= 1;
    }
  }

  /** Ends one. */
  async kill(): Promise<void> {
    this.#killing ??= this.killOne().finally(() => {
      this.#killing = undefined;
    });
    await this.#killing;
  }

  private async killOne(): Promise<void> {
    while (this.#openTransactions > 0) {
      await sleep(1);
    }
    await this.database.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM (
         SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND application_name <> $1 AND backend_type = 'client backend'
         ORDER BY random() LIMIT 1) AS victim`,
      [TEST_ITSELF],
    );
    // Until the pool has heard of it.
    await sleep(20);
  }
}

/** Whether an error, or the one underneath, says that the connection is gone. */
export function isConnectionLoss(error: unknown): boolean {
  const { code, message = '', cause } = error as { code?: string; message?: string; cause?: unknown };
  return (
    /^(57P01|08\w\w\w|CONNECTION_FAILED|ECONNRESET|EPIPE)$/.test(code ?? '') ||
    /Connection terminated|connection error and is not queryable|terminating connection/.test(message) ||
    (cause !== undefined && isConnectionLoss(cause))
  );
}
