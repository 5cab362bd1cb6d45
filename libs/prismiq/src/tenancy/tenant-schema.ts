import { Inject, Injectable, Scope } from '@nestjs/common';
import { TenantContext } from './tenant-context.js';
import type { TenantSlot } from './tenant-slot.js';

/**
 * The schema of the request's tenant, for host code that writes SQL of its own. Request-scoped, and whoever injects it becomes
 * so too; {@link TenantContext} says the same without that cost.
 *
 * Nest makes request-scoped providers before the guards run, when the tenant is not known yet. So the schema is looked up when
 * it is read: in a handler, or later, not in a constructor.
 *
 * @publicApi
 */
@Injectable({ scope: Scope.REQUEST })
export class TenantSchema {
  readonly #slot: TenantSlot | undefined;

  constructor(@Inject(TenantContext) private readonly context: TenantContext) {
    this.#slot = context.requestSlot();
  }

  /**
   * The name of the schema, unquoted.
   *
   * @throws TenantRequiredError when the request belongs to no tenant
   */
  get name(): string {
    return (this.#slot?.tenant ?? this.context.require()).schema;
  }

  toString(): string {
    return this.name;
  }
}
