/** The part of the connection of a `pg` client that a query uses which speaks the protocol itself. */
export interface PgConnection {
  readonly stream: {
    cork?(): void;
    uncork?(): void;
    on(event: 'data', listener: (data: { readonly length: number }) => void): unknown;
    removeListener(event: 'data', listener: (data: { readonly length: number }) => void): unknown;
  };
  parse(message: { text: string }): void;
  bind(message: { values?: readonly (string | null)[] }): void;
  describe(message: { type: 'P' }): void;
  execute(message: object): void;
  flush(): void;
  sync(): void;
}

/** A query that submits itself to `pg`, as a cursor does, and receives the messages of the server. */
export interface SubmittedQuery<T> {
  /** The statement, for logs and for those who watch what is sent. */
  readonly text: string;
  readonly values: readonly unknown[];
  /**
   * Settles when the connection takes the next statement, or is of no use any more. Fails with the error of the server, or with one
   * that has no SQLSTATE if the state of the connection is unknown.
   */
  readonly done: Promise<T>;
  submit(connection: PgConnection): Error | undefined;
}

/** Sends a statement without values, for as many rows as it has. Sends no Sync. */
export function sendStatement(connection: PgConnection, text: string): void {
  connection.parse({ text });
  connection.bind({});
  connection.execute({});
}
