import type { MikroORM, Transaction } from '@mikro-orm/postgresql';
import { mikroOrmExecutor } from '../sql/mikro-orm-executor.js';
import { pgExecutor, type PgPool } from '../sql/pg-executor.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { inTransaction } from '../sql/transaction.js';

/** A transaction on a connection of its own. */
export interface FleetTransaction extends SqlExecutor {
  /** What a MikroORM migration needs to send statements by itself. */
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

  /**
   * Lends a connection. `work` begins and commits by itself, so that it can do it in the text of other statements; if it fails, its
   * transaction is rolled back. The connection goes back even if it breaks, which MikroORM's own transactions do not see to.
   */
  async connection<T>(work: (connection: SqlExecutor) => Promise<T>): Promise<T> {
    if (!('em' in this.target)) {
      return onPool(this.target, work);
    }
    const { em } = this.target;
    return connectionOf(em).execute((client) =>
      orRollBack(
        mikroOrmExecutor(em, () => client),
        work,
      ),
    );
  }

  /** Runs `work` in a transaction that MikroORM knows, if there is a MikroORM. */
  async transaction<T>(work: (transaction: FleetTransaction) => Promise<T>): Promise<T> {
    if (!('em' in this.target)) {
      return inTransaction(this.target, ({ query }) => work({ query, context: undefined }));
    }
    const { em } = this.target;
    return connectionOf(em).execute(async (client) => {
      const context = await client.startTransaction().setIsolationLevel('read committed').execute();
      const result = await orRollBack(
        mikroOrmExecutor(em, () => context),
        ({ query }) => work({ query, context }),
      );
      await context.commit().execute();
      return result;
    });
  }

  /** Whether the server is a Citus coordinator, which takes one statement a call. */
  async isCitus(): Promise<boolean> {
    return (await this.query(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`)).length > 0;
  }
}

const connectionOf = (em: MikroORM['em']) => em.getConnection('write').getClient().connection();

async function onPool<T>(pool: PgPool, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A pool does not listen to a client that is checked out, and an error that nobody listens to ends the process.
  const ignore = (): void => undefined;
  client.on?.('error', ignore);
  let isBroken = false;
  try {
    return await orRollBack(pgExecutor(client), work, () => {
      isBroken = true;
    });
  } finally {
    client.removeListener?.('error', ignore);
    client.release(isBroken);
  }
}

/** @param onUnknownState called when the rollback failed too: nobody knows then whether a transaction is open */
async function orRollBack<T>(
  sql: SqlExecutor,
  work: (sql: SqlExecutor) => Promise<T>,
  onUnknownState: () => void = () => undefined,
): Promise<T> {
  try {
    return await work(sql);
  } catch (error) {
    // Why the work failed is what the caller wants to know, whatever becomes of the rollback.
    await sql.query('ROLLBACK').catch(onUnknownState);
    throw error;
  }
}
