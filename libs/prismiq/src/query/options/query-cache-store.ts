/**
 * Where results are cached: a `Keyv` instance with any of its stores, or what has these methods. A store that fails or does not answer
 * costs nothing but the cache: the query is run.
 *
 * @publicApi
 */
export interface QueryCacheStore {
  get(key: string): Promise<unknown>;
  /** @param ttlMs milliseconds after which the value is gone */
  set(key: string, value: unknown, ttlMs: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
}
