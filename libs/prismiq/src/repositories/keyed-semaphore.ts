/** Limits how long work waits for its turn. */
export interface WaitLimit {
  timeoutMs: number;
  /** Creates the error with which the work fails. */
  onTimeout: () => Error;
  /** Ends the wait: the work fails with its reason. */
  signal?: AbortSignal | undefined;
}

interface Holders {
  count: number;
  /** In the order of their arrival. */
  waiting: Set<() => void>;
}

/** Lets a number of holders work at a time for each key. The others wait for their turn, first come, first served. */
export class KeyedSemaphore {
  readonly #holders = new Map<string, Holders>();

  constructor(private readonly permits: number) {}

  async run<T>(key: string, limit: WaitLimit, work: () => Promise<T>): Promise<T> {
    if (!this.tryAcquire(key)) {
      await this.wait(key, limit);
    }
    try {
      return await work();
    } finally {
      this.release(key);
    }
  }

  private tryAcquire(key: string): boolean {
    const holders = this.#holders.get(key);
    if (holders === undefined) {
      this.#holders.set(key, { count: 1, waiting: new Set() });
      return true;
    }
    const isFree = holders.count < this.permits;
    holders.count += Number(isFree);
    return isFree;
  }

  private wait(key: string, { timeoutMs, onTimeout, signal }: WaitLimit): Promise<void> {
    const { waiting } = this.#holders.get(key)!;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        waiting.delete(takeTurn);
      };
      const takeTurn = (): void => {
        end();
        resolve();
      };
      const abort = (): void => {
        end();
        reject(signal!.reason as Error);
      };
      const timer = setTimeout(() => {
        end();
        reject(onTimeout());
      }, timeoutMs);
      signal?.addEventListener('abort', abort);
      waiting.add(takeTurn);
    });
  }

  private release(key: string): void {
    const holders = this.#holders.get(key)!;
    const [next] = holders.waiting;
    if (next !== undefined) {
      // The permit is handed on, so that nobody can overtake.
      holders.waiting.delete(next);
      next();
    } else if ((holders.count -= 1) === 0) {
      this.#holders.delete(key);
    }
  }
}
