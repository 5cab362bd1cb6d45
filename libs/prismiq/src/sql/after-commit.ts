import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/postgresql';

/** Listens to the outcome of a host's transaction. */
export interface TransactionListener {
  /** The outermost transaction is about to be committed. */
  committing(): void;
  /** The outermost transaction was committed; or it, or the savepoint in which the listener was added, was rolled back. */
  settled(isCommitted: boolean): void;
}

/** Tells listeners about the outermost of the host's transactions: what happened in a savepoint waits for the transaction around it. */
export class AfterCommit implements EventSubscriber {
  readonly #listeners = new WeakMap<object, TransactionListener[]>();
  /** The transaction in which an EntityManager is about to open a savepoint. */
  readonly #opening = new WeakMap<EntityManager, object>();
  readonly #parents = new WeakMap<object, object>();

  add(transaction: object, listener: TransactionListener): void {
    this.#listeners.set(transaction, [...(this.#listeners.get(transaction) ?? []), listener]);
  }

  beforeTransactionStart({ em, transaction }: TransactionEventArgs): void {
    if (transaction !== undefined) {
      this.#opening.set(em as EntityManager, transaction);
    }
  }

  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    const parent = this.#opening.get(em as EntityManager);
    if (parent !== undefined && transaction !== undefined) {
      this.#parents.set(transaction, parent);
      this.#opening.delete(em as EntityManager);
    }
  }

  beforeTransactionCommit({ transaction }: TransactionEventArgs): void {
    if (transaction !== undefined && !this.#parents.has(transaction)) {
      this.#listeners.get(transaction)?.forEach((listener) => listener.committing());
    }
  }

  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    const parent = transaction === undefined ? undefined : this.#parents.get(transaction);
    for (const listener of this.take(transaction)) {
      if (parent === undefined) {
        listener.settled(true);
      } else {
        this.add(parent, listener);
      }
    }
  }

  /** Called before the rollback, which never ends on a broken connection. */
  beforeTransactionRollback({ transaction }: TransactionEventArgs): void {
    this.take(transaction).forEach((listener) => listener.settled(false));
  }

  private take(transaction: object | undefined): TransactionListener[] {
    const listeners = transaction === undefined ? [] : (this.#listeners.get(transaction) ?? []);
    if (transaction !== undefined) {
      this.#listeners.delete(transaction);
    }
    return listeners;
  }
}
