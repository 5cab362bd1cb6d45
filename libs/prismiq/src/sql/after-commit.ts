import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/postgresql';

type Callback = () => void;

/**
 * Runs callbacks once the host's transaction is committed, and forgets them when it is rolled back. What happened in a savepoint
 * waits for the transaction around it.
 */
export class AfterCommit implements EventSubscriber {
  readonly #callbacks = new WeakMap<object, Callback[]>();
  /** The transaction that an EntityManager is about to open a savepoint in. */
  readonly #opening = new WeakMap<EntityManager, object>();
  readonly #parents = new WeakMap<object, object>();

  add(transaction: object, callback: Callback): void {
    this.#callbacks.set(transaction, [...(this.#callbacks.get(transaction) ?? []), callback]);
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

  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    const callbacks = this.take(transaction);
    const parent = transaction === undefined ? undefined : this.#parents.get(transaction);
    for (const callback of callbacks) {
      if (parent === undefined) {
        callback();
      } else {
        this.add(parent, callback);
      }
    }
  }

  afterTransactionRollback({ transaction }: TransactionEventArgs): void {
    this.take(transaction);
  }

  private take(transaction: object | undefined): Callback[] {
    const callbacks = transaction === undefined ? [] : (this.#callbacks.get(transaction) ?? []);
    if (transaction !== undefined) {
      this.#callbacks.delete(transaction);
    }
    return callbacks;
  }
}
