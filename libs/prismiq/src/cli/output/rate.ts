const WINDOW_MS = 10_000;

/** A rate over the last seconds: tenants with nothing to do must not make the others look faster. */
export class Rate {
  readonly #samples: { at: number; done: number }[] = [];

  add(done: number): void {
    const at = performance.now();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && this.#samples[0]!.at < at - WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /** Per second; `undefined` while it is not known. */
  get perSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    return first === undefined || last === undefined || last.done === first.done || last.at === first.at
      ? undefined
      : ((last.done - first.done) / (last.at - first.at)) * 1000;
  }
}
