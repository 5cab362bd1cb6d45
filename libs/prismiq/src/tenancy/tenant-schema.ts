import { Inject, Injectable, Scope } from '@nestjs/common';
import { TenantContext } from './tenant-context.js';

/**
 * The schema of the tenant in context, for host code that writes SQL of its own. It is request-scoped, and makes the providers that
 * inject it request-scoped; {@link TenantContext} tells the same without that cost.
 *
 * Nest creates request-scoped providers before the guards run, when the tenant is not known yet. Read the schema in a handler or
 * later, not in a constructor.
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
