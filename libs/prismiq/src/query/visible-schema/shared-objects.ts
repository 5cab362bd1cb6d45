/** Keeps one copy of objects that are equal as JSON, for as long as somebody uses it. */
export class SharedObjects<T extends object> {
  readonly #copies = new Map<string, WeakRef<T>>();
  readonly #unused = new FinalizationRegistry<string>((key) => {
    if (this.#copies.get(key)?.deref() === undefined) {
      this.#copies.delete(key);
    }
  });

  /** @returns the copy that is kept */
  share(object: T): T {
    const key = JSON.stringify(object);
    const copy = this.#copies.get(key)?.deref();
    if (copy !== undefined) {
      return copy;
    }
    this.#copies.set(key, new WeakRef(object));
    this.#unused.register(object, key);
    return object;
  }
}
