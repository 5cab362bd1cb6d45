/** The limits of a {@link LookupCache}. */
export interface CacheLimits {
  /** Milliseconds for which a found value is served. */
  readonly ttlMs: number;
  /** Milliseconds for which "not found" is served. */
  readonly negativeTtlMs: number;
  /** The number of entries; those that were not used are dropped first. */
  readonly maxEntries: number;
}

interface Entry<T> {
  readonly value: T | undefined;
  readonly expiresAt: number;
  wasUsed: boolean;
}

/** Caches the results of look-ups. Simultaneous look-ups of one key share one; its failure reaches all of them, and is not cached. */
export class LookupCache<T> {
  /** Oldest first; used entries get a second turn, because keeping them in the order of use would cost each request a write. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #pending = new Map<string, Promise<T | undefined>>();

  constructor(private readonly limits: CacheLimits) {}

  /** The cached result; `undefined` if there is none, or it has expired. */
  peek(key: string): { readonly value: T | undefined } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt <= performance.now()) {
      return undefined;
    }
    entry.wasUsed = true;
    return entry;
  }

  /** Joins the look-up that is pending, or starts one. */
  load(key: string, lookUp: () => Promise<T | undefined>): Promise<T | undefined> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      return pending;
    }
    // The result may be outdated as soon as the source has read it, before it answers.
    const startedAt = performance.now();
    const lookup: Promise<T | undefined> = lookUp().then(
      (value) => {
        if (this.#finish(key, lookup)) {
          this.#store(key, value, startedAt);
        }
        return value;
      },
      (error: unknown) => {
        this.#finish(key, lookup);
        throw error;
      },
    );
    this.#pending.set(key, lookup);
    return lookup;
  }

  /** Drops an entry, and the result of a look-up that is pending. */
  delete(key: string): void {
    this.#entries.delete(key);
    this.#pending.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#pending.clear();
  }

  /** @returns whether the result counts: not if the key has been dropped since */
  #finish(key: string, lookup: Promise<T | undefined>): boolean {
    return this.#pending.get(key) === lookup && this.#pending.delete(key);
  }

  #store(key: string, value: T | undefined, startedAt: number): void {
    const { ttlMs, negativeTtlMs, maxEntries } = this.limits;
    this.#entries.delete(key);
    while (this.#entries.size >= maxEntries) {
      this.#dropOldest();
    }
    const expiresAt = startedAt + (value === undefined ? negativeTtlMs : ttlMs);
    this.#entries.set(key, { value, expiresAt, wasUsed: false });
  }

  #dropOldest(): void {
    const [key, entry] = this.#entries.entries().next().value!;
    this.#entries.delete(key);
    if (entry.wasUsed && entry.expiresAt > performance.now()) {
      entry.wasUsed = false;
      this.#entries.set(key, entry);
    }
  }
}
