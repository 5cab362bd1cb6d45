import type { Lender } from './borrow.js';
import type { CancelableClient } from './cancel-request.js';
import type { PgPool } from './pg-executor.js';

/** A `pg` client, whose connection a query that submits itself gets to see. */
interface PooledClient extends CancelableClient {
  readonly connection?: object;
}

/** By their connections: the drivers above `pg` do not say which client they use. */
const clients = new WeakMap<object, CancelableClient>();
const followed = new WeakSet<object>();

/** Makes the statements of a pool cancelable. To be called before a connection is borrowed. */
export async function followClients(lender: Lender): Promise<void> {
  const pool: PgPool = 'pool' in lender ? lender.pool : await lender.em.getConnection('write').getNativeClient();
  if (!followed.has(pool)) {
    followed.add(pool);
    // Emitted before a client is handed out, new or not.
    pool.on?.('acquire', (client: PooledClient) => {
      if (client.connection !== undefined) {
        clients.set(client.connection, client);
      }
    });
  }
}

/** The client of a connection that was borrowed from a pool. */
export const findClient = (connection: object): CancelableClient | undefined => clients.get(connection);
