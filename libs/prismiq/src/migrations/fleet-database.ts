import type { MikroORM, Transaction } from '@mikro-orm/postgresql';
import { mikroOrmExecutor } from '../sql/mikro-orm-executor.js';
import { pgExecutor, type PgPool } from '../sql/pg-executor.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { inTransaction } from '../sql/transaction.js';

/** A transaction on a connection of its own. */
export interface FleetTransaction extends SqlExecutor {
  /** What a MikroORM migration needs to send statements by itself; a `pg` pool has none. */
  readonly context: Transaction | undefined;
}

/** The database of all tenants, which lends connections. A transaction that the host is in is not joined. */
export class FleetDatabase implements SqlExecutor {
  constructor(private readonly target: MikroORM | PgPool) {}

  /** The MikroORM instance; `undefined`: there is but a `pg` pool. */
  get orm(): MikroORM | undefined {
    return 'em' in this.target ? this.target : undefined;
  }

  /** Sends one statement, on any connection, in a transaction of its own. */
  query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    if (!('em' in this.target)) {
      return pgExecutor(this.target).query(sql, parameters);
    }
    const { em } = this.target;
    return mikroOrmExecutor(em, () => em.getConnection('write').getClient()).query(sql, parameters);
  }

  /** Runs `work` in a transaction, at READ COMMITTED: what it reads after it got a lock is what the lock's last holder left. */
  async transaction<T>(work: (transaction: FleetTransaction) => Promise<T>): Promise<T> {
    if (!('em' in this.target)) {
      return inTransaction(this.target, ({ query }) => work({ query, context: undefined }));
    }
    const { em } = this.target;
    // By connection(), which gives the connection back even if it breaks; a transaction of Kysely or MikroORM alone does not.
    return em
      .getConnection('write')
      .getClient()
      .connection()
      .execute(async (client) => {
        const context = await client.startTransaction().setIsolationLevel('read committed').execute();
        try {
          const result = await work({ ...mikroOrmExecutor(em, () => context), context });
          await context.commit().execute();
          return result;
        } catch (error) {
          // Why the work failed is what the caller wants to know, whatever becomes of the rollback.
          await context
            .rollback()
            .execute()
            .catch(() => undefined);
          throw error;
        }
      });
  }

  /** Whether the server is a Citus coordinator, which takes one statement a call. */
  async isCitus(): Promise<boolean> {
    return (await this.query(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`)).length > 0;
  }
}
