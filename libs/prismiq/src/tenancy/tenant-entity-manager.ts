import {
  RequestContext,
  TransactionContext,
  type CacheAdapter,
  type EntityManager,
  type MikroORM,
} from '@mikro-orm/postgresql';
import type { EntityManagerBinding, TenantStorage } from './tenant-store.js';

/** Leaves the host's EntityManager alone, which is the default. */
export class TenantEntityManager {
  /** The binding of a context that begins here. */
  bind(_schema: string): EntityManagerBinding | undefined {
    return undefined;
  }

  /**
   * Whether the caller is in a transaction of the host. MikroORM prefers its EntityManager to any other, so that only
   * {@link runInTransaction} can bind it.
   */
  isInTransaction(): boolean {
    return false;
  }

  /** Runs `fn` with a bound EntityManager in the same transaction. */
  runInTransaction<T>(_schema: string, fn: () => T): T {
    return fn();
  }

  /** Flushes the EntityManager of {@link runInTransaction} when its `fn` ends. */
  async flush(): Promise<void> {
    // Nothing was bound.
  }
}

/**
 * Binds the host's injected EntityManager and its repositories to the schema of the tenant in context, by a fork with an identity
 * map of its own. MikroORM finds the fork through its `context` option and its TransactionContext, so that the host injects the same
 * objects as before.
 */
export class BoundTenantEntityManager extends TenantEntityManager {
  readonly #inTransaction = new WeakSet<EntityManager>();
  readonly #name: string;

  constructor(orm: MikroORM, storage: TenantStorage) {
    super();
    this.#name = orm.em.name;
    const outer = orm.config.get('context');
    orm.config.set('context', (name) => {
      const binding = name === this.#name ? storage.getStore()?.binding : undefined;
      const current = outer(name);
      // A RequestContext that began inside, for another ORM, has no EntityManager of ours.
      if (
        binding === undefined ||
        (current !== undefined && RequestContext.currentRequestContext() !== binding.request)
      ) {
        return current;
      }
      // Outside of the context, because a fork asks for it while it is created.
      binding.em ??= storage.exit(() => fork((current ?? orm.em) as EntityManager, binding.schema));
      return binding.em;
    });
    separateResultCaches(orm.config.getResultCacheAdapter(), () => storage.getStore()?.tenant?.tenantId);
  }

  override bind(schema: string): EntityManagerBinding {
    return { schema, request: RequestContext.currentRequestContext(), em: undefined };
  }

  override isInTransaction(): boolean {
    return this.#transaction() !== undefined;
  }

  override runInTransaction<T>(schema: string, fn: () => T): T {
    const transaction = this.#transaction();
    if (transaction === undefined) {
      return fn();
    }
    const em = fork(transaction, schema);
    this.#inTransaction.add(em);
    return TransactionContext.create(em, fn);
  }

  /** The transaction ends with another EntityManager, which does not know the pending changes of this one. */
  override async flush(): Promise<void> {
    const em = this.#transaction();
    if (em !== undefined && this.#inTransaction.has(em)) {
      await em.flush();
    }
  }

  #transaction(): EntityManager | undefined {
    return TransactionContext.getEntityManager(this.#name) as EntityManager | undefined;
  }
}

/** Adds the tenant to the names of result caches (`cache: ['orders', 60_000]`), which MikroORM would serve to all tenants. */
function separateResultCaches(cache: CacheAdapter, currentTenant: () => string | undefined): void {
  const [get, set, remove] = [cache.get.bind(cache), cache.set.bind(cache), cache.remove.bind(cache)];
  const addTenant = (name: string): string => {
    const tenantId = currentTenant();
    return tenantId === undefined ? name : JSON.stringify([tenantId, name]);
  };
  cache.get = (name, ...rest) => get(addTenant(name), ...rest);
  cache.set = (name, ...rest) => set(addTenant(name), ...rest);
  cache.remove = (name) => remove(addTenant(name));
}

/** Forks in the same transaction, if there is one, with an empty identity map, because rows of two tenants may have the same id. */
function fork(em: EntityManager, schema: string): EntityManager {
  const bound = em.fork({ schema, keepTransactionContext: true, disableContextResolution: true });
  // An entity loads its relations with the EntityManager that loaded it. That must not resolve to the one in context, which may be
  // another tenant's, except to a transaction of its own tenant that began meanwhile.
  bound.getContext = () => {
    const transaction = TransactionContext.getEntityManager(bound.name) as EntityManager | undefined;
    return transaction !== undefined && transaction !== bound && transaction.schema === schema ? transaction : bound;
  };
  return bound;
}
