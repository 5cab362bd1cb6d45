/** How long, and how much, a {@link LookupCache} keeps. */
export interface CacheLimits {
  /** Milliseconds for which something found is served. */
  readonly ttlMs: number;
  /** Milliseconds for which something not found is served. */
  readonly negativeTtlMs: number;
  /** How many answers are kept; those that nobody has asked for since go first. */
  readonly maxEntries: number;
}

interface Answer<T> {
  readonly value: T | undefined;
  readonly until: number;
  wasUsed: boolean;
}

/**
 * Keeps the answers of look-ups. Those who ask for the same thing at the same time share one look-up. A failure is told to them, and
 * not kept.
 */
export class LookupCache<T> {
  /** Oldest first; those that were of use get a second turn. To keep them in order of use would cost each request a write. */
  readonly #answers = new Map<string, Answer<T>>();
  readonly #underway = new Map<string, Promise<T | undefined>>();

  constructor(private readonly limits: CacheLimits) {}

  /** An answer that is still good; nothing: it has to be looked up. */
  peek(key: string): { readonly value: T | undefined } | undefined {
    const answer = this.#answers.get(key);
    if (answer === undefined || answer.until <= performance.now()) {
      return undefined;
    }
    answer.wasUsed = true;
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
    while (this.#answers.size >= maxEntries) {
      this.#dropOldest();
    }
    const until = asked + (value === undefined ? negativeTtlMs : ttlMs);
    this.#answers.set(key, { value, until, wasUsed: false });
  }

  #dropOldest(): void {
    const [key, answer] = this.#answers.entries().next().value!;
    this.#answers.delete(key);
    if (answer.wasUsed && answer.until > performance.now()) {
      answer.wasUsed = false;
      this.#answers.set(key, answer);
    }
  }
}
