import { sendStatement, type PgConnection, type SubmittedQuery } from '../../sql/submitted-query.js';
import { parameterText } from './parameter-text.js';
import { valueType, type ConvertValue, type QueryValue } from './value-types.js';

/** What is read at most. */
export interface ReadLimits {
  readonly maxRows: number;
  /** Of the rows as the server sends them. */
  readonly maxBytes: number;
}

export interface ReadResult {
  /** As the statement names the columns. */
  readonly names: string[];
  /** In the order of the columns; see {@link ValueType.name}. */
  readonly types: string[];
  readonly rows: QueryValue[][];
  /** Whether there were more rows. */
  readonly isTruncated: boolean;
  /** Of the rows, as the server has sent them. */
  readonly bytes: number;
}

/** A result that is too large, which only the caller can end. */
interface ReadEvents {
  /** There are more bytes than are read. */
  onTooLarge(): void;
  /** Bytes keep coming, such as those of a single row: only the end of the connection ends them. */
  onEndless(): void;
}

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY';

/** How much may still arrive after the server has stopped: what lies in the buffers of the network. */
const IN_FLIGHT = 16 * 1024 * 1024;

/** How many statements are complete when that of the caller begins. */
const STATEMENT = 2;

/**
 * One statement in a read-only transaction of its own, by the extended protocol, in one round trip: the beginning, the settings, the
 * statement and the end. Rows are converted as they arrive, and dropped as soon as there are too many bytes, so that a large result is
 * never in memory. Rows are not fetched in portions: each would cost a round trip, and PostgreSQL plans no parallel query for a portal
 * with a row limit. If the statement fails, the transaction is still open.
 */
export class ReadOnlyQuery implements SubmittedQuery<ReadResult> {
  readonly done: Promise<ReadResult>;
  readonly #parameters: (string | null)[];
  /** `pg` ends its own timer by it. The limits on time are those of the runner. */
  callback = (): void => undefined;
  readonly query_timeout = 2 ** 31 - 1;
  #rows: QueryValue[][] = [];
  #names: string[] = [];
  #types: string[] = [];
  #converters: ConvertValue[] = [];
  #completed = 0;
  #bytes = 0;
  /** With what has arrived of a row that is not complete. */
  #received = 0;
  #isTruncated = false;
  #isStopped = false;
  #connection: PgConnection | undefined;
  #resolve!: (result: ReadResult) => void;
  #reject!: (error: Error) => void;

  constructor(
    readonly text: string,
    readonly values: readonly unknown[],
    private readonly settings: string,
    private readonly limits: ReadLimits,
    private readonly events: ReadEvents,
  ) {
    this.#parameters = values.map(parameterText);
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The connection on which the server may be at work for it. */
  get connection(): PgConnection | undefined {
    return this.#connection;
  }

  /** The rows are dropped, those that are still to come as well. */
  stop(): void {
    this.#isStopped = true;
    this.#rows = [];
  }

  /** Gives up waiting for the server: the connection must not be used any more. */
  abandon(reason: Error): void {
    this.end();
    this.#reject(reason);
  }

  submit(connection: PgConnection): Error | undefined {
    this.#connection = connection;
    const { stream } = connection;
    stream.on('data', this.watch);
    stream.cork?.();
    try {
      sendStatement(connection, BEGIN);
      sendStatement(connection, this.settings);
      connection.parse({ text: this.text });
      connection.bind({ values: this.#parameters });
      connection.describe({ type: 'P' });
      connection.execute({});
      sendStatement(connection, 'ROLLBACK');
      connection.sync();
    } finally {
      stream.uncork?.();
    }
    return undefined;
  }

  handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    const types = fields.map(({ dataTypeID }) => valueType(dataTypeID));
    this.#names = fields.map(({ name }) => name);
    this.#types = types.map(({ name }) => name);
    this.#converters = types.map(({ convert }) => convert);
  }

  handleDataRow({ fields, length }: { fields: (string | null)[]; length: number }): void {
    if (this.#completed < STATEMENT || this.#isStopped) {
      return;
    }
    this.#bytes += length;
    if (this.#bytes > this.limits.maxBytes) {
      this.events.onTooLarge();
    } else if (this.#rows.length === this.limits.maxRows) {
      this.#isTruncated = true;
    } else {
      this.#rows.push(this.convert(fields));
    }
  }

  handleCommandComplete(): void {
    this.#completed += 1;
  }

  handleEmptyQuery(): void {
    this.#completed += 1;
  }

  handleReadyForQuery(): void {
    this.end();
    this.#resolve({
      names: this.#names,
      types: this.#types,
      rows: this.#rows,
      isTruncated: this.#isTruncated,
      bytes: this.#bytes,
    });
  }

  handleError(error: Error): void {
    this.end();
    this.#reject(error);
  }

  private readonly watch = ({ length }: { length: number }): void => {
    const excess = (this.#received += length) - this.limits.maxBytes;
    if (excess > IN_FLIGHT) {
      this.events.onEndless();
    }
  };

  /** In place: the array is the row's own. */
  private convert(fields: (string | null)[]): QueryValue[] {
    const row: QueryValue[] = fields;
    for (let index = 0; index < row.length; index += 1) {
      const text = fields[index]!;
      if (text !== null) {
        row[index] = this.#converters[index]!(text);
      }
    }
    return row;
  }

  private end(): void {
    this.#connection?.stream.removeListener('data', this.watch);
    this.#connection = undefined;
    this.callback();
  }
}
