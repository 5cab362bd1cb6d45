import { TenantBusyError } from '../../errors/tenancy.errors.js';
import { KeyedSemaphore } from '../../repositories/keyed-semaphore.js';
import { errorContext, type Tenant } from '../../tenancy/tenant.js';

export interface SlotLimits {
  /** How many statements run at a time, of all tenants. */
  readonly total: number;
  readonly perTenant: number;
  readonly waitTimeoutMs: number;
}

/**
 * Who may run a statement. A tenant first waits for its own turn, and only then with the others: however many queries it sends, no
 * more of them than its share stand in the common queue, and the others do not wait behind the rest.
 */
export class QuerySlots {
  readonly #tenants: KeyedSemaphore;
  readonly #all: KeyedSemaphore;

  constructor(private readonly limits: SlotLimits) {
    this.#tenants = new KeyedSemaphore(limits.perTenant);
    this.#all = new KeyedSemaphore(limits.total);
  }

  /** @throws TenantBusyError; what the signal was aborted with */
  run<T>(tenant: Tenant, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const { perTenant, waitTimeoutMs } = this.limits;
    const limit = {
      timeoutMs: waitTimeoutMs,
      onTimeout: () => new TenantBusyError(perTenant, errorContext(tenant)),
      signal,
    };
    return this.#tenants.run(tenant.tenantId, limit, () => this.#all.run('', limit, work));
  }
}
