import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Tenant } from '../../tenancy/tenant.js';
import { generationKey } from './cache-key.js';
import type { QueryCacheStore } from '../options/query-cache-store.js';
import { SingleFlight } from './single-flight.js';
import { TenantBudgets } from './tenant-budgets.js';

export interface CacheLimits {
  readonly ttlMs: number;
  /** Larger results are not kept. */
  readonly entryBytes: number;
  /** What one tenant may have in the cache; beyond that, what was used longest ago goes. */
  readonly tenantBytes: number;
}

/** A result as it is stored. */
interface Entry<T> {
  readonly tenantId: string;
  /** That of the tenant when the query began. */
  readonly generation: string | null;
  /** Milliseconds since 1970. */
  readonly cachedAt: number;
  readonly value: T;
}

export interface Cached<T> {
  readonly value: T;
  readonly cachedAt: Date;
  readonly isFromCache: boolean;
}

export interface CacheRequest<T> {
  readonly tenant: Tenant;
  readonly key: string;
  /** Whether to run in any case, and to store the result. */
  readonly bypass: boolean;
  readonly signal: AbortSignal | undefined;
  run(signal: AbortSignal | undefined): Promise<T>;
  /** The size of a result. */
  bytes(value: T): number;
}

/** A store that answers later than this is as good as none. */
const STORE_TIMEOUT_MS = 500;
const LOG_EVERY_MS = 60_000;
const MAX_TENANTS = 10_000;

/** Results of queries, for a short time. Equal queries that are asked for at the same time are run once. */
export class QueryCache<T> {
  readonly #flights = new SingleFlight<Cached<T>>();
  readonly #budgets: TenantBudgets;
  readonly #logger = new Logger('Prismiq');
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: QueryCacheStore,
    private readonly limits: CacheLimits,
  ) {
    this.#budgets = new TenantBudgets(limits.tenantBytes, MAX_TENANTS);
  }

  /** A result from the cache, or a new one. */
  read(request: CacheRequest<T>): Promise<Cached<T>> {
    const { key, bypass, signal } = request;
    return bypass
      ? this.refresh(request, this.generation(request.tenant.tenantId), signal)
      : this.#flights.run(key, signal, (shared) => this.findOrRefresh(request, shared));
  }

  /** Forgets all results of a tenant, in all processes that share the store. */
  async invalidate(tenantId: string): Promise<void> {
    const keys = this.#budgets.clear(tenantId);
    // Longer than any result lives that was begun before.
    await this.store.set(generationKey(tenantId), randomUUID(), this.limits.ttlMs * 2 + GENERATION_MARGIN_MS);
    await Promise.all(keys.map((key) => this.ask(() => this.store.delete(key))));
  }

  private async findOrRefresh(request: CacheRequest<T>, signal: AbortSignal): Promise<Cached<T>> {
    const { tenantId } = request.tenant;
    const generation = this.generation(tenantId);
    const entry = (await this.ask(() => this.store.get(request.key))) as Entry<T> | null | undefined;
    if (entry?.tenantId !== tenantId || entry.generation !== (await generation) || this.isOld(entry)) {
      return this.refresh(request, generation, signal);
    }
    this.#budgets.touch(tenantId, request.key);
    return { value: entry.value, cachedAt: new Date(entry.cachedAt), isFromCache: true };
  }

  /** @param asked read before the run: a result that was begun before an invalidation is not valid after it */
  private async refresh(
    request: CacheRequest<T>,
    asked: Promise<string | null | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<Cached<T>> {
    const { tenant, key } = request;
    const generation = await asked;
    const value = await request.run(signal);
    const cachedAt = new Date();
    const bytes = request.bytes(value);
    if (bytes <= this.limits.entryBytes && generation !== undefined) {
      const entry: Entry<T> = { tenantId: tenant.tenantId, generation, cachedAt: cachedAt.getTime(), value };
      await this.ask(() => this.store.set(key, entry, this.limits.ttlMs));
      for (const evicted of this.#budgets.add(tenant.tenantId, key, bytes)) {
        void this.ask(() => this.store.delete(evicted));
      }
    }
    return { value, cachedAt, isFromCache: false };
  }

  /** A store may keep values for longer than it was told. */
  private isOld({ cachedAt }: Entry<T>): boolean {
    return Date.now() - cachedAt >= this.limits.ttlMs;
  }

  /** @returns null: nothing was invalidated so far; undefined: the store does not say */
  private async generation(tenantId: string): Promise<string | null | undefined> {
    const answer = await this.ask(async () => [await this.store.get(generationKey(tenantId))]);
    return answer && ((answer[0] as string | undefined) ?? null);
  }

  /** @returns undefined if the store fails, or takes too long */
  private async ask<Answer>(question: () => Promise<Answer>): Promise<Answer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${STORE_TIMEOUT_MS} ms`)), STORE_TIMEOUT_MS);
    });
    try {
      return await Promise.race([question(), timeout]);
    } catch (error) {
      this.log(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  private log(error: unknown): void {
    const now = performance.now();
    if (now - this.#loggedAt >= LOG_EVERY_MS) {
      this.#loggedAt = now;
      this.#logger.warn(`The cache of query results fails; queries run without it: ${String(error)}`);
    }
  }
}

const GENERATION_MARGIN_MS = 60_000;
