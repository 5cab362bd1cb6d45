import { setTimeout as sleep } from 'node:timers/promises';
import { TEST_ITSELF, type TestDatabase } from '../../../../test/support/test-database.js';
import type { FuzzTenant } from './world.js';

/**
 * Ends connections that are under test, or holds up their statements, whatever they are doing, except for transactions that the host
 * begins with `em.transactional()`: MikroORM 7.2 does not give back the connection of one whose rollback fails, so that its pool has
 * one less from then on, with or without this package.
 */
export class Disturbances {
  #openTransactions = 0;
  #current: Promise<void> | undefined;

  constructor(private readonly database: TestDatabase) {}

  /** Runs what is not to be disturbed. */
  async spare<T>(transaction: () => Promise<T>): Promise<T> {
    while (this.#current !== undefined) {
      await this.#current;
    }
    this.#openTransactions += 1;
    try {
      return await transaction();
    } finally {
      this.#openTransactions -= 1;
    }
  }

  /** Ends one connection. */
  kill(): Promise<void> {
    return this.disturb(async () => {
      await this.database.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM (
           SELECT pid FROM pg_stat_activity
           WHERE datname = current_database() AND application_name <> $1 AND backend_type = 'client backend'
           ORDER BY random() LIMIT 1) AS victim`,
        [TEST_ITSELF],
      );
      // Until the pool has heard of it.
      await sleep(20);
    });
  }

  /** Holds up all writes to what a tenant has, for longer than the driver waits. */
  stall({ schema, tenantId }: FuzzTenant, milliseconds: number): Promise<void> {
    return this.disturb(async () => {
      await this.database.query(
        `WITH locked AS MATERIALIZED (SELECT 1 FROM ${schema}.prismiq_dashboards WHERE tenant_id = $1 FOR UPDATE)
         SELECT count(*), pg_sleep($2) FROM locked`,
        [tenantId, milliseconds / 1000],
      );
    });
  }

  private async disturb(work: () => Promise<void>): Promise<void> {
    this.#current ??= this.whenSparedOnesAreDone(work).finally(() => {
      this.#current = undefined;
    });
    await this.#current;
  }

  private async whenSparedOnesAreDone(work: () => Promise<void>): Promise<void> {
    while (this.#openTransactions > 0) {
      await sleep(1);
    }
    await work();
  }
}

/** Whether an error, or the one underneath, says that the connection is gone, or that the driver has waited too long. */
export function isDisturbance(error: unknown): boolean {
  const { code, message = '', cause } = error as { code?: string; message?: string; cause?: unknown };
  return (
    /^(57P01|08\w\w\w|CONNECTION_FAILED|TENANT_BUSY|RECORD_BUSY|55P03|ECONNRESET|EPIPE)$/.test(code ?? '') ||
    /Query read timeout|Connection terminated|connection error and is not queryable|terminating connection/.test(
      message,
    ) ||
    (cause !== undefined && isDisturbance(cause))
  );
}
