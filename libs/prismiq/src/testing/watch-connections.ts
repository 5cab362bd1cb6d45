import { AsyncResource } from 'node:async_hooks';

/** A `Client` of `pg`, also one of a pool. A structural type, since MikroORM may have another copy of `pg`. */
export interface WatchedClient {
  // oxlint-disable-next-line typescript/no-explicit-any -- overloads that differ between versions of pg
  query(...args: any[]): any;
}

/** A `Pool` of `pg`. */
export interface WatchedPool extends WatchedClient {
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  connect(...args: any[]): any;
  readonly totalCount: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  on(event: 'acquire', listener: (client: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  removeListener(event: 'acquire', listener: (client: any) => void): unknown;
}

/** The module `pg` itself, with all its connections. */
export interface WatchedModule {
  readonly Client: { readonly prototype: WatchedClient };
  readonly Pool: { readonly prototype: Pick<WatchedPool, 'connect'> };
}

export type Watched = WatchedClient | WatchedPool | WatchedModule;

/** Called with each statement before it is sent. If it throws, the statement fails with that error and is not sent. */
export type OnStatement = (sql: string, values: readonly unknown[]) => void;

/** @returns stops watching */
export function watchConnections(watched: Watched, onStatement: OnStatement): () => void {
  if ('totalCount' in watched) {
    return watchPool(watched, onStatement);
  }
  if ('Pool' in watched) {
    return both(watchClient(watched.Client.prototype, onStatement), keepContext(watched.Pool.prototype));
  }
  return watchClient(watched, onStatement);
}

function watchPool(pool: WatchedPool, onStatement: OnStatement): () => void {
  const ends = new Map<WatchedClient, () => void>();
  // Emitted before a client is handed out, new or not.
  const onAcquire = (client: WatchedClient): void => {
    if (!ends.has(client)) {
      ends.set(client, watchClient(client, onStatement));
    }
  };
  pool.on('acquire', onAcquire);
  const end = keepContext(pool);
  return () => {
    end();
    pool.removeListener('acquire', onAcquire);
    ends.forEach((endWatch) => endWatch());
  };
}

/** A pool calls a waiting caller back in the async context of the one that released the connection, possibly another tenant's. */
function keepContext(pool: Pick<WatchedPool, 'connect'>): () => void {
  return replace(
    pool,
    'connect',
    (connect) =>
      function (this: unknown, ...args: unknown[]) {
        return connect.apply(
          this,
          args.map((arg) => (typeof arg === 'function' ? AsyncResource.bind(arg as () => void) : arg)),
        );
      },
  );
}

function watchClient(client: WatchedClient, onStatement: OnStatement): () => void {
  return replace(
    client,
    'query',
    (query) =>
      function (this: unknown, statement: unknown, ...args: unknown[]) {
        try {
          onStatement(...readQuery(statement, args[0]));
        } catch (error) {
          return refuse(statement, args, error);
        }
        return query.call(this, statement, ...args);
      },
  );
}

/** Reads a text, a query config, or an object that submits itself, such as a cursor. */
function readQuery(statement: unknown, values: unknown): [sql: string, values: readonly unknown[]] {
  const config = (typeof statement === 'object' ? statement : undefined) as
    { text?: string; values?: unknown[]; cursor?: typeof config } | undefined | null;
  const { text = '', values: own } = config?.cursor ?? config ?? { text: String(statement) };
  return [text, Array.isArray(values) ? values : (own ?? [])];
}

/** Fails as `pg` does: through the callback, or by a rejected promise. */
function refuse(statement: unknown, args: readonly unknown[], error: unknown): Promise<never> | undefined {
  const own = (statement as { callback?: unknown } | null)?.callback;
  const callback = [own, ...args].find((arg) => typeof arg === 'function');
  if (callback !== undefined) {
    process.nextTick(callback as () => void, error);
    return undefined;
  }
  if (typeof (statement as { submit?: unknown } | null)?.submit === 'function') {
    throw error;
  }
  return Promise.reject(error);
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function replace(target: object, name: string, wrap: (original: Method) => Method): () => void {
  const methods = target as Record<string, Method>;
  const before = Object.getOwnPropertyDescriptor(target, name);
  const original = methods[name]!;
  Object.defineProperty(target, name, { value: wrap(original), configurable: true, writable: true });
  return () => {
    if (before === undefined) {
      delete methods[name];
    } else {
      Object.defineProperty(target, name, before);
    }
  };
}

const both = (one: () => void, other: () => void) => (): void => {
  one();
  other();
};
