import type { Lender } from './borrow.js';
import type { CompiledQuery } from './mikro-orm-executor.js';
import { checkOut, giveBack, type PgPool } from './pg-executor.js';

/** A query that submits itself to `pg`, as a cursor does. */
export interface Submittable {
  submit(connection: object): Error | undefined;
}

export interface DedicatedClient {
  query(query: Submittable): unknown;
}

/** Lends a `pg` client, and closes it afterwards, regardless of the state of its session. */
export async function withDedicatedClient<T>(
  lender: Lender,
  work: (client: DedicatedClient) => Promise<T>,
): Promise<T> {
  const pool: PgPool = 'pool' in lender ? lender.pool : await lender.em.getConnection('write').getNativeClient();
  const client = await checkOut(pool);
  try {
    if ('em' in lender) {
      // MikroORM calls it only for connections that it takes from the pool itself. It may set the role.
      await lender.em.config.get('onCreateConnection')?.({
        executeQuery: ({ sql, parameters }: CompiledQuery) => client.query({ text: sql, values: [...parameters] }),
      });
    }
    return await work(client as unknown as DedicatedClient);
  } finally {
    giveBack(client, true);
  }
}
