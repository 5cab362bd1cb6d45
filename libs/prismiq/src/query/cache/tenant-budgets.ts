interface Budget {
  bytes: number;
  /** Sizes by key, those used last at the end. */
  readonly sizes: Map<string, number>;
}

/** Keeps account of what each tenant has in the cache, as far as this process knows. */
export class TenantBudgets {
  readonly #budgets = new Map<string, Budget>();

  constructor(
    private readonly bytesPerTenant: number,
    private readonly maxTenants: number,
  ) {}

  /** @returns the keys that must go */
  add(tenantId: string, key: string, bytes: number): string[] {
    const budget = this.#budgets.get(tenantId) ?? { bytes: 0, sizes: new Map<string, number>() };
    // To the end: the tenants, too, go in the order of their last use.
    this.#budgets.delete(tenantId);
    this.#budgets.set(tenantId, budget);
    budget.bytes += bytes - (budget.sizes.get(key) ?? 0);
    budget.sizes.delete(key);
    budget.sizes.set(key, bytes);
    const evicted = [...this.evictTenants()];
    for (const [oldest, size] of budget.sizes) {
      if (budget.bytes <= this.bytesPerTenant) {
        break;
      }
      budget.bytes -= size;
      budget.sizes.delete(oldest);
      evicted.push(oldest);
    }
    return evicted;
  }

  touch(tenantId: string, key: string): void {
    const sizes = this.#budgets.get(tenantId)?.sizes;
    const size = sizes?.get(key);
    if (sizes !== undefined && size !== undefined) {
      sizes.delete(key);
      sizes.set(key, size);
    }
  }

  clear(tenantId: string): string[] {
    const keys = [...(this.#budgets.get(tenantId)?.sizes.keys() ?? [])];
    this.#budgets.delete(tenantId);
    return keys;
  }

  private *evictTenants(): Generator<string> {
    for (const tenantId of this.#budgets.keys()) {
      if (this.#budgets.size <= this.maxTenants) {
        return;
      }
      yield* this.clear(tenantId);
    }
  }
}
