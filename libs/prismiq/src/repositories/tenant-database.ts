import type { ChangeEvent } from '../changes/change-event.js';
import { recordKey, type ChangeFeed } from '../changes/change-feed.js';
import { RecordBusyError, type RecordKind } from '../errors/record.errors.js';
import { TenantBusyError } from '../errors/tenancy.errors.js';
import type { Database } from '../sql/database.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { isLockTimeout } from '../sql/translate-error.js';
import { errorContext } from '../tenancy/tenant.js';
import { KeyedSemaphore } from './keyed-semaphore.js';
import type { TenantScope } from './tenant-scope.js';

/** What one tenant may use of the pool, and for how long a call waits. */
export interface ConnectionLimits {
  /** Half of the pool by default. */
  readonly perTenant: number | undefined;
  readonly waitTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** What a write changes. Writes to one record queue here instead of in the database, where each would hold a connection. */
export interface WriteTarget {
  kind: RecordKind;
  /** `undefined` where the write changes several records, or a new one. */
  id?: string;
  /** A queue that several records share. */
  queue?: string;
}

type Work<T> = (sql: SqlExecutor) => Promise<T>;

/**
 * The database as the repositories use it: within the tenant's share of the connections, one write to a record at a time, with
 * time limits on the server; each commit is reported to the change feed.
 *
 * A call inside the host's transaction has a connection already. It does not queue, since what it waits for may wait for that
 * transaction, and the time limits are those of the host.
 */
export class TenantDatabase {
  readonly #share: number;
  readonly #tenants: KeyedSemaphore;
  readonly #records = new KeyedSemaphore(1);

  constructor(
    private readonly database: Database,
    private readonly feed: ChangeFeed,
    private readonly limits: ConnectionLimits,
  ) {
    this.#share = limits.perTenant ?? Math.max(1, Math.floor(database.poolSize() / 2));
    this.#tenants = new KeyedSemaphore(this.#share);
  }

  /**
   * Runs single statements that read. A plain SELECT takes no row lock and waits only for a change of the tables
   * themselves, so it needs no transaction to carry time limits: the share bounds the connections that wait.
   *
   * @throws TenantBusyError
   */
  read<T>(scope: TenantScope, work: Work<T>): Promise<T> {
    return this.database.isInTransaction() ? work(this.database) : this.inShare(scope, () => work(this.database));
  }

  /**
   * Runs a transaction that writes.
   *
   * @param shortcut does the whole work in one statement where it can, without a transaction around it and without waiting for a
   *   lock; returns `undefined` if it cannot
   * @throws TenantBusyError, RecordBusyError
   */
  async write<T>(scope: TenantScope, target: WriteTarget, work: Work<T>, shortcut?: Work<T | undefined>): Promise<T> {
    try {
      if (this.database.isInTransaction()) {
        return await this.writeInHostTransaction(scope, work);
      }
      return await this.inQueue(scope, target, () =>
        this.inShare(scope, async () => {
          const done = shortcut && (await this.writeAtOnce(scope, target, shortcut));
          return done ?? (await this.writeInTransaction(scope, work));
        }),
      );
    } catch (error) {
      throw isLockTimeout(error) ? this.busyError(scope, target, error) : error;
    }
  }

  private async writeInTransaction<T>({ changes }: TenantScope, work: Work<T>): Promise<T> {
    let settle: ((committed: readonly ChangeEvent[]) => void) | undefined;
    const { lockTimeoutMs, statementTimeoutMs } = this.limits;
    try {
      const result = await this.database.transaction(
        async (sql) => {
          const done = await work(sql);
          settle = this.announce(changes);
          return done;
        },
        { lockTimeoutMs, statementTimeoutMs },
      );
      settle?.(changes);
      return result;
    } catch (error) {
      settle?.([]);
      throw error;
    }
  }

  private async writeAtOnce<T>(
    { tenant, changes }: TenantScope,
    { id }: WriteTarget,
    shortcut: Work<T | undefined>,
  ): Promise<T | undefined> {
    const settle = this.feed.announce(
      id === undefined ? [] : [recordKey({ schema: tenant.schema, id, dashboardId: undefined })],
    );
    try {
      return await shortcut(this.database);
    } finally {
      settle(changes);
    }
  }

  private async writeInHostTransaction<T>({ changes }: TenantScope, work: Work<T>): Promise<T> {
    const result = await this.database.transaction(work);
    if (changes.length > 0) {
      let settle: ((committed: readonly ChangeEvent[]) => void) | undefined;
      this.database.follow({
        committing: () => {
          settle = this.announce(changes);
        },
        settled: (isCommitted) => settle?.(isCommitted ? changes : []),
      });
    }
    return result;
  }

  private announce(changes: readonly ChangeEvent[]) {
    return changes.length === 0 ? undefined : this.feed.announce(changes.map(recordKey));
  }

  private inQueue<T>(scope: TenantScope, target: WriteTarget, work: () => Promise<T>): Promise<T> {
    const { kind, id, queue = id?.toLowerCase() } = target;
    if (queue === undefined) {
      return work();
    }
    const limit = { timeoutMs: this.limits.waitTimeoutMs, onTimeout: () => this.busyError(scope, target) };
    return this.#records.run(`${scope.tenant.tenantId}/${kind}/${queue}`, limit, work);
  }

  private inShare<T>({ tenant }: TenantScope, work: () => Promise<T>): Promise<T> {
    const onTimeout = () => new TenantBusyError(this.#share, errorContext(tenant));
    return this.#tenants.run(tenant.tenantId, { timeoutMs: this.limits.waitTimeoutMs, onTimeout }, work);
  }

  private busyError({ tenant }: TenantScope, { kind, id }: WriteTarget, cause?: unknown): RecordBusyError {
    return new RecordBusyError(kind, id, {
      ...errorContext(tenant),
      sqlState: cause === undefined ? undefined : '55P03',
      cause,
    });
  }
}
