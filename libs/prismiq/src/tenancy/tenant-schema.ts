import { Inject, Injectable, Scope } from '@nestjs/common';
import { TenantContext } from './tenant-context.js';

/**
 * The schema of the tenant in context, for host code that writes SQL of its own. Request-scoped, and whoever injects it becomes
 * so too; {@link TenantContext} says the same without that cost.
 *
 * Nest makes request-scoped providers before the guards run, when the tenant is not known yet. So the schema is looked up when
 * it is read: in a handler, or later, not in a constructor.
 *
 * @publicApi
 */
@Injectable({ scope: Scope.REQUEST })
export class TenantSchema {
  constructor(@Inject(TenantContext) private readonly context: TenantContext) {}

  /**
   * The name of the schema, unquoted.
   *
   * @throws TenantRequiredError when there is no tenant in context
   */
  get name(): string {
    return this.context.require().schema;
  }

  toString(): string {
    return this.name;
  }
}
