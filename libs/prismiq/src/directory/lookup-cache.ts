/** How long, and how much, a {@link LookupCache} keeps. */
export interface CacheLimits {
  /** Milliseconds for which something found is served. */
  readonly ttlMs: number;
  /** Milliseconds for which something not found is served. */
  readonly negativeTtlMs: number;
  /** How many answers are kept; the one that was not asked for the longest goes first. */
  readonly maxEntries: number;
}

/**
 * Keeps the answers of look-ups. Those who ask for the same thing at the same time share one look-up. A failure is told to them, and
 * not kept.
 */
export class LookupCache<T> {
  /** In the order in which they were last asked for. */
  readonly #answers = new Map<string, { value: T | undefined; until: number }>();
  readonly #underway = new Map<string, Promise<T | undefined>>();

  constructor(private readonly limits: CacheLimits) {}

  /** An answer that is still good; nothing: it has to be looked up. */
  peek(key: string): { readonly value: T | undefined } | undefined {
    const answer = this.#answers.get(key);
    if (answer === undefined) {
      return undefined;
    }
    this.#answers.delete(key);
    if (answer.until <= performance.now()) {
      return undefined;
    }
    this.#answers.set(key, answer);
    return answer;
  }

  /** The look-up that is under way, or a new one. */
  load(key: string, lookUp: () => Promise<T | undefined>): Promise<T | undefined> {
    const underway = this.#underway.get(key);
    if (underway !== undefined) {
      return underway;
    }
    // What is found may be outdated from the moment on in which the source reads it, not only from when it answers.
    const asked = performance.now();
    const flight = lookUp().then(
      (value) => {
        if (this.#land(key, flight)) {
          this.#keep(key, value, asked);
        }
        return value;
      },
      (error: unknown) => {
        this.#land(key, flight);
        throw error;
      },
    );
    this.#underway.set(key, flight);
    return flight;
  }

  /** Forgets an answer, and one that is still under way. */
  delete(key: string): void {
    this.#answers.delete(key);
    this.#underway.delete(key);
  }

  clear(): void {
    this.#answers.clear();
    this.#underway.clear();
  }

  /** @returns whether the look-up still counts: what was forgotten meanwhile does not */
  #land(key: string, flight: Promise<T | undefined>): boolean {
    return this.#underway.get(key) === flight && this.#underway.delete(key);
  }

  #keep(key: string, value: T | undefined, asked: number): void {
    const { ttlMs, negativeTtlMs, maxEntries } = this.limits;
    this.#answers.delete(key);
    this.#answers.set(key, { value, until: asked + (value === undefined ? negativeTtlMs : ttlMs) });
    if (this.#answers.size > maxEntries) {
      this.#answers.delete(this.#answers.keys().next().value!);
    }
  }
}
