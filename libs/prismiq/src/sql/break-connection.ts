import type { CompiledQuery, KyselyConnection } from './mikro-orm-executor.js';

/** The socket below a `pg` client, which reports its failures as events. */
interface PgWire {
  readonly stream?: { readonly destroyed: boolean };
  emit(event: 'error', error: Error): boolean;
}

/**
 * Makes MikroORM's pool drop a connection when it gets it back. Kysely has no way to say so, but it hands a query object on to
 * `pg`. This one sends nothing: it reports, as the socket would, that the connection has failed.
 *
 * `pg` gives the socket to a query that it submits and to one that times out, so that it makes no difference whether the connection
 * is idle or still busy.
 */
export function breakConnection(connection: KyselyConnection): Promise<void> {
  return new Promise((resolve) => {
    let isBroken = false;
    const fail = (wire: PgWire): Error => {
      const error = new Error('Prismiq closes a connection whose state is not known');
      if (!isBroken) {
        isBroken = true;
        reportFailure(wire, error);
        resolve();
      }
      return error;
    };
    const sql = {
      text: '',
      query_timeout: 1,
      callback: () => undefined,
      submit: fail,
      handleError: (_error: Error, wire: PgWire) => void fail(wire),
    };
    connection.executeQuery({ sql, parameters: [] } as unknown as CompiledQuery).catch(() => resolve());
  });
}

function reportFailure(wire: PgWire, error: Error): void {
  if (wire.stream?.destroyed === true) {
    return;
  }
  try {
    wire.emit('error', error);
  } catch {
    // A client of a host's own pool to which nobody listens.
  }
}
