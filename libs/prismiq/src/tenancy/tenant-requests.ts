import { Injectable } from '@nestjs/common';
import type { Tenant } from './tenant.js';

/** Which requests have been resolved, to which tenant or to none. Weak: an entry goes with its request. */
@Injectable()
export class TenantRequests {
  readonly #tenants = new WeakMap<object, { tenant: Tenant | undefined }>();

  set(request: object, tenant: Tenant | undefined): void {
    this.#tenants.set(request, { tenant });
  }

  get(request: unknown): { tenant: Tenant | undefined } | undefined {
    return typeof request === 'object' && request !== null ? this.#tenants.get(request) : undefined;
  }
}
