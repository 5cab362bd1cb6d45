const WINDOW = 10_000;

/** How fast something goes, by the last seconds: tenants with nothing to do must not flatter the rest. */
export class Rate {
  readonly #samples: { at: number; done: number }[] = [];

  add(done: number): void {
    const at = performance.now();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && this.#samples[0]!.at < at - WINDOW) {
      this.#samples.shift();
    }
  }

  /** Per second; `undefined`: not known yet. */
  get perSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    return first === undefined || last === undefined || last.done === first.done || last.at === first.at
      ? undefined
      : ((last.done - first.done) / (last.at - first.at)) * 1000;
  }
}
