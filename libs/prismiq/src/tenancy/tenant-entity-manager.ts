import { AsyncLocalStorage } from 'node:async_hooks';
import { RequestContext, TransactionContext, type EntityManager, type MikroORM } from '@mikro-orm/postgresql';

/** What the host's EntityManager stands for, in one tenant's context. */
interface Scope {
  readonly schema: string;
  /** The request in which the context began: one that began inside of it has an EntityManager of its own. */
  readonly request: RequestContext | undefined;
  /** Made when it is first used: most code needs none. */
  em: EntityManager | undefined;
}

/** Stands in where the host keeps its EntityManager to itself, which is the default. */
export class TenantEntityManager {
  run<T>(_schema: string | undefined, fn: () => T): T {
    return fn();
  }

  /** Whether {@link flush} has to be called before the context ends. */
  needsFlush(): boolean {
    return false;
  }

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
  readonly #scopes = new AsyncLocalStorage<Scope | undefined>();
  readonly #inTransaction = new WeakSet<EntityManager>();
  readonly #name: string;

  constructor(orm: MikroORM) {
    super();
    this.#name = orm.em.name;
    const outer = orm.config.get('context');
    orm.config.set('context', (name) => {
      const scope = name === this.#name ? this.#scopes.getStore() : undefined;
      const current = outer(name);
      if (scope === undefined || RequestContext.currentRequestContext() !== scope.request) {
        return current;
      }
      // Outside of the scope, since a fork asks for its context while it is made.
      scope.em ??= this.#scopes.run(undefined, () => bind((current ?? orm.em) as EntityManager, scope.schema));
      return scope.em;
    });
  }

  override run<T>(schema: string | undefined, fn: () => T): T {
    const request = RequestContext.currentRequestContext();
    const scope = schema === undefined ? undefined : { schema, request, em: undefined };
    return this.#scopes.run(scope, () => {
      const transaction = TransactionContext.getEntityManager(this.#name) as EntityManager | undefined;
      if (schema === undefined || transaction === undefined) {
        return fn();
      }
      // MikroORM prefers a transaction's EntityManager to any other; this one is in the same transaction.
      const em = bind(transaction, schema);
      this.#inTransaction.add(em);
      return TransactionContext.create(em, fn);
    });
  }

  override needsFlush(): boolean {
    return this.#transactional() !== undefined;
  }

  /** The transaction ends with another EntityManager, which knows nothing of what this one has still to write. */
  override async flush(): Promise<void> {
    await this.#transactional()?.flush();
  }

  #transactional(): EntityManager | undefined {
    const em = TransactionContext.getEntityManager(this.#name) as EntityManager | undefined;
    return em !== undefined && this.#inTransaction.has(em) ? em : undefined;
  }
}

/** A fork in the same transaction, if there is one, with an empty identity map: rows of two tenants may have one id. */
const bind = (em: EntityManager, schema: string): EntityManager =>
  em.fork({ schema, useContext: true, keepTransactionContext: true, disableContextResolution: true });
