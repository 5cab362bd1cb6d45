import { Injectable } from '@nestjs/common';
import type { Tenant } from './tenant.js';

/** Which request belongs to which tenant. Weak: an entry goes with its request. */
@Injectable()
export class TenantRequests {
  readonly #tenants = new WeakMap<object, Tenant>();

  set(request: object, tenant: Tenant): void {
    this.#tenants.set(request, tenant);
  }

  get(request: unknown): Tenant | undefined {
    return typeof request === 'object' && request !== null ? this.#tenants.get(request) : undefined;
  }
}
