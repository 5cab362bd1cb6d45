import { quoteLiteral } from '../../../sql/identifier.js';
import { NO_CLIENT_TIMEOUT_MS } from '../../../sql/sql-executor.js';
import { sendStatement, type PgConnection } from '../../../sql/submitted-query.js';

/**
 * A statement that PostgreSQL runs only outside of a transaction, with settings of its own: no time-out of the role, the
 * database or the pool ends it. Pass it to `query()` of a `pg` client and await {@link done}.
 *
 * SET LOCAL has no effect outside of a transaction, and such a statement commits several times while it runs. So these are
 * settings of the session, and everything is sent before a single Sync message: until then, a pooler in transaction mode keeps
 * the server connection with its client. The settings are reset before the Sync. If the statement fails, no Sync is sent. Close
 * the client in any case: a pooler closes the server connection of a client that leaves without a Sync.
 *
 * PostgreSQL commits the last part of the statement at the Sync, which never comes from a client that was killed. So a COMMIT
 * is sent with the statement, and a BEGIN before it, without which PostgreSQL warns.
 */
export class UnboundedStatement {
  /** Overrides the client's `query_timeout`. */
  readonly query_timeout = NO_CLIENT_TIMEOUT_MS;
  /** Set by `pg`; ends its timer. */
  callback: (() => void) | undefined;
  readonly done: Promise<void>;
  readonly #texts: readonly string[];
  readonly #changed: string[] = [];
  #completed = 0;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  /** @param marker begins each text */
  constructor(marker: string, sql: string, settings: Readonly<Record<string, string>>) {
    const texts = ['BEGIN', setForSession(settings), 'COMMIT', sql, 'BEGIN', 'COMMIT'];
    this.#texts = texts.map((text) => `${marker} ${text}`);
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may fail when nobody waits for it any more.
    this.done.catch(() => undefined);
  }

  submit(connection: PgConnection): Error | undefined {
    if (typeof connection.parse !== 'function') {
      return new TypeError(
        'A migration outside of a transaction needs the JavaScript client of pg: give the migrator a pool without pg-native.',
      );
    }
    this.#texts.forEach((text) => sendStatement(connection, text));
    connection.flush();
    return undefined;
  }

  /** The names of the settings. */
  handleDataRow({ fields: [name] }: { fields: readonly unknown[] }): void {
    this.#changed.push(String(name));
  }

  handleCommandComplete(_message: unknown, connection: PgConnection): void {
    this.#completed += 1;
    if (this.#completed === this.#texts.length) {
      this.#changed.forEach((name) => sendStatement(connection, `RESET ${name}`));
      connection.sync();
    }
  }

  handleReadyForQuery(): void {
    this.end();
  }

  handleError(error: unknown): void {
    this.end(error);
  }

  private end(error?: unknown): void {
    // What fails later fails after the statement.
    if (this.#completed < this.#texts.length) {
      this.#reject(error);
    } else {
      this.#resolve();
    }
    this.callback?.();
  }
}

/** Returns the names of those settings that the server has: `transaction_timeout` came with PostgreSQL 17. */
function setForSession(settings: Readonly<Record<string, string>>): string {
  const rows = Object.entries(settings).map((row) => `(${row.map(quoteLiteral).join(', ')})`);
  return (
    `SELECT setting.name, pg_catalog.set_config(setting.name, setting.value, false) FROM (VALUES ${rows.join(', ')}) AS setting (name, value) ` +
    'JOIN pg_catalog.pg_settings USING (name)'
  );
}
