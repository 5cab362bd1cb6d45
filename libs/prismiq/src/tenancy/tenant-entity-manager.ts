import {
  RequestContext,
  TransactionContext,
  type CacheAdapter,
  type EntityManager,
  type MikroORM,
} from '@mikro-orm/postgresql';
import type { EntityManagerBinding, TenantSlots } from './tenant-store.js';

/** Stands in where the host keeps its EntityManager to itself, which is the default. */
export class TenantEntityManager {
  /** What the EntityManager stands for in a context that begins here. */
  bind(_schema: string): EntityManagerBinding | undefined {
    return undefined;
  }

  /**
   * Whether the host has a transaction around, whose EntityManager MikroORM prefers to any other: it is bound by
   * {@link runInTransaction} alone.
   */
  isInTransaction(): boolean {
    return false;
  }

  /** Runs `fn` with an EntityManager that is bound, and in the same transaction. */
  runInTransaction<T>(_schema: string, fn: () => T): T {
    return fn();
  }

  /** Writes what is left to be written when `fn` of {@link runInTransaction} ends. */
  async flush(): Promise<void> {
    // Nothing was bound.
  }
}

/**
 * Binds the host's injected EntityManager, and its repositories, to the schema of the tenant in context: a fork with an identity
 * map of its own. MikroORM asks for it by its own means, its `context` option and its TransactionContext, so that what the host
 * injects stays what it is.
 */
export class BoundTenantEntityManager extends TenantEntityManager {
  readonly #inTransaction = new WeakSet<EntityManager>();
  readonly #name: string;

  constructor(orm: MikroORM, slots: TenantSlots) {
    super();
    this.#name = orm.em.name;
    const outer = orm.config.get('context');
    orm.config.set('context', (name) => {
      const binding = name === this.#name ? slots.getStore()?.binding : undefined;
      const current = outer(name);
      // A request of another ORM alone, which began inside, has no EntityManager of ours.
      if (
        binding === undefined ||
        (current !== undefined && RequestContext.currentRequestContext() !== binding.request)
      ) {
        return current;
      }
      // Outside of the context, since a fork asks for it while it is made.
      binding.em ??= slots.exit(() => fork((current ?? orm.em) as EntityManager, binding.schema));
      return binding.em;
    });
    keepResultsApart(orm.config.getResultCacheAdapter(), () => slots.getStore()?.tenant?.tenantId);
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

  /** The transaction ends with another EntityManager, which knows nothing of what this one has still to write. */
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

/** What a host caches by a name (`cache: ['orders', 60_000]`) MikroORM keeps by that alone, and would serve to all tenants. */
function keepResultsApart(cache: CacheAdapter, currentTenant: () => string | undefined): void {
  const [get, set, remove] = [cache.get.bind(cache), cache.set.bind(cache), cache.remove.bind(cache)];
  const ofTenant = (name: string): string => {
    const tenantId = currentTenant();
    return tenantId === undefined ? name : JSON.stringify([tenantId, name]);
  };
  cache.get = (name, ...rest) => get(ofTenant(name), ...rest);
  cache.set = (name, ...rest) => set(ofTenant(name), ...rest);
  cache.remove = (name) => remove(ofTenant(name));
}

/** In the same transaction, if there is one, with an empty identity map: rows of two tenants may have one id. */
function fork(em: EntityManager, schema: string): EntityManager {
  const bound = em.fork({ schema, keepTransactionContext: true, disableContextResolution: true });
  // An entity loads its relations by the EntityManager that has loaded it, and that must not stand for the one in context,
  // which may be another tenant's; but for a transaction of its own tenant's that began meanwhile.
  bound.getContext = () => {
    const transaction = TransactionContext.getEntityManager(bound.name) as EntityManager | undefined;
    return transaction !== undefined && transaction !== bound && transaction.schema === schema ? transaction : bound;
  };
  return bound;
}
