import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceMigration } from '../../../migrations/migration-set.js';
import { quoteIdentifier } from '../../../sql/identifier.js';
import type { SqlExecutor } from '../../../sql/sql-executor.js';
import type { FleetDatabase } from '../../migrator-database.js';
import type { MigrationEvent, TenantRef, WaitingReason } from '../../run-report.js';
import { getSqlState } from '../../../sql/sql-state.js';
import { lockFailure } from '../tenant-assertions.js';
import { namedFailure } from '../tenant-transaction.js';
import { findInvalidIndexes, type Leftovers } from './invalid-indexes.js';
import { readRepeatableStatement, type RepeatableStatement } from './repeatable-statement.js';
import { findRunningStatements, toMarker, type RunningStatement } from './running-statements.js';
import { UnboundedStatement } from './unbounded-statement.js';

const LOOK_EVERY_MS = 200;
/** How long the answer to a statement may take after the server has ended the statement. */
const LOST_AFTER_MS = 2000;
/** Between two events that say the same. */
const TELL_EVERY_MS = 10_000;

/**
 * An empty query, for which PostgreSQL takes no snapshot: an index build would wait for a snapshot of the transaction that waits for
 * the build.
 */
const KEEP_ALIVE = '/* prismiq holds the lock of the tenant */';

export interface ConcurrentMigrationOptions {
  readonly database: FleetDatabase;
  readonly tenant: TenantRef;
  readonly searchPath: readonly string[];
  readonly lockTimeoutMs: number;
  /** The connection whose transaction holds the tenant's lock. It is idle otherwise, and has no snapshot. */
  readonly lockHolder: SqlExecutor;
  readonly signal: AbortSignal;
  readonly emit: (event: MigrationEvent) => void;
}

/** Settings of the role, the database or the pool that must not end a statement, or keep it from running. */
const SETTINGS = {
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  default_transaction_read_only: 'off',
};

/**
 * Runs statements that cannot be in a transaction, such as CREATE INDEX CONCURRENTLY.
 *
 * Such a statement has no time-outs. It waits for other transactions as long as they take, since it blocks no writers then; one
 * that waits for a lock gives way. The server continues it after its process is killed: the next process with the tenant's lock waits
 * for it and takes over its result.
 */
export class ConcurrentMigration {
  #toldAt = -Infinity;
  #toldReason: WaitingReason | undefined;

  constructor(private readonly options: ConcurrentMigrationOptions) {}

  async run(migration: SourceMigration, statements: readonly string[]): Promise<void> {
    const { schema } = this.options.tenant;
    for (const statement of statements.map((sql) => readRepeatableStatement(sql, migration, schema))) {
      try {
        await this.assertTenantHas(statement.required);
        await this.dropLeftovers(statement.leftovers);
        await this.send(statement);
      } catch (error) {
        if (getSqlState(error) !== undefined) {
          // If this fails too, the next attempt begins with it.
          await this.dropLeftovers(statement.leftovers).catch(() => undefined);
        }
        throw namedFailure(error, migration, schema, statement.sql);
      }
    }
  }

  /** Names without a schema must not be found in a shared schema. */
  private async assertTenantHas(names: readonly string[]): Promise<void> {
    const { database, tenant } = this.options;
    for (const name of names) {
      const [found] = await database.query(
        `SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2`,
        [tenant.schema, name],
      );
      if (found === undefined) {
        throw failure('42P01', `relation "${name}" does not exist in schema "${tenant.schema}"`);
      }
    }
  }

  /** Drops invalid indexes, which IF NOT EXISTS would take for valid ones, once the statements that build them have ended. */
  private async dropLeftovers(leftovers: Leftovers): Promise<void> {
    const { database, tenant } = this.options;
    await this.waitForRunning(leftovers);
    for (const index of await findInvalidIndexes(database, leftovers)) {
      const sql = `DROP INDEX CONCURRENTLY IF EXISTS ${index}`;
      await this.send({ sql, leftovers: { schema: tenant.schema }, usesSharedSchemas: false });
    }
  }

  /** Waits until no statement runs that a process has left behind. */
  private async waitForRunning(leftovers: Leftovers): Promise<void> {
    const { database, lockTimeoutMs, lockHolder, signal } = this.options;
    for (;;) {
      await lockHolder.query(KEEP_ALIVE);
      const [running] = await findRunningStatements(database, leftovers, lockTimeoutMs);
      if (running === undefined) {
        return;
      }
      const message = `process ${running.pid} of the server still runs an earlier statement${describeState(running)}`;
      if (signal.aborted) {
        throw lockFailure(message);
      }
      this.tell('running-statement', message);
      await sleep(LOOK_EVERY_MS);
    }
  }

  private async send({ sql, leftovers, usesSharedSchemas }: Omit<RepeatableStatement, 'required'>): Promise<void> {
    const { database, tenant, searchPath, lockTimeoutMs } = this.options;
    const path = [tenant.schema, ...(usesSharedSchemas ? searchPath : []), 'pg_temp'].map(quoteIdentifier).join(', ');
    const statement = new UnboundedStatement(toMarker(tenant.schema), sql, { ...SETTINGS, search_path: path });
    const ended = new AbortController();
    let canceled: RunningStatement | undefined;
    try {
      await database.dedicatedClient(async (client) => {
        client.query(statement);
        const watch = this.watch(leftovers, ended.signal, (running) => (canceled = running));
        try {
          await Promise.race([statement.done, watch]);
        } finally {
          ended.abort();
          // The look that canceled the statement may be answered after it.
          await watch.catch(() => undefined);
        }
      });
    } catch (error) {
      throw canceled === undefined
        ? error
        : failure(
            '55P03',
            `canceled, because it waited for a lock longer than ${lockTimeoutMs} ms${describeState(canceled)}`,
            error,
          );
    }
  }

  /**
   * Looks at a statement until it has ended. Fails if the tenant's lock is lost, or the statement's connection: what is idle for as
   * long as an index build takes, a firewall may drop silently.
   */
  private async watch(
    leftovers: Leftovers,
    ended: AbortSignal,
    onCancel: (statement: RunningStatement) => void,
  ): Promise<void> {
    const { database, lockTimeoutMs, lockHolder } = this.options;
    let missingSince: number | undefined;
    while (await sleep(LOOK_EVERY_MS, !ended.aborted, { signal: ended }).catch(() => false)) {
      await lockHolder.query(KEEP_ALIVE);
      // If a look fails, the next one may succeed.
      const found = await findRunningStatements(database, leftovers, lockTimeoutMs).catch(() => undefined);
      missingSince = found?.length === 0 ? (missingSince ?? performance.now()) : undefined;
      if (missingSince !== undefined && performance.now() - missingSince >= LOST_AFTER_MS) {
        await this.assertInvisible();
      }
      for (const running of found ?? []) {
        if (running.isCanceled) {
          onCancel(running);
        } else if (running.waitsForTransactions) {
          this.tell(
            'transactions',
            `the statement waits for the end of transactions that began before it${describeState(running)}`,
          );
        }
      }
    }
  }

  /** @throws unless the server shows no statements at all */
  private async assertInvisible(): Promise<void> {
    const [server] = await this.options.database.query<{ tracked: string }>(
      `SELECT current_setting('track_activities') AS tracked`,
    );
    if (server?.tracked === 'on') {
      throw failure('08006', 'the statement has ended on the server, but its answer did not arrive');
    }
  }

  private tell(reason: WaitingReason, message: string): void {
    const now = performance.now();
    if (reason !== this.#toldReason || now - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldReason = reason;
      this.#toldAt = now;
      this.options.emit({ type: 'tenant-waiting', ...this.options.tenant, reason, message });
    }
  }
}

const describeState = ({ progress, blockers }: RunningStatement): string =>
  [progress, blockers].map((part) => (part === undefined ? '' : `: ${part}`)).join('');

/** An error as PostgreSQL reports one. */
const failure = (code: string, message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code });
