import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TenantRequiredError } from '../errors/tenancy.errors.js';
import { requestOf } from './request-like.js';
import { resolveTenant } from './resolve-tenant.js';
import { TenantContext } from './tenant-context.js';
import { TenantResolver } from './tenant-resolver.js';
import type { Tenant } from './tenant.js';

/**
 * Puts the tenant of an HTTP request into context: for pipes, interceptors, the handler, filters, and a stream that goes on after
 * all of them. List it behind the guard that authenticates the user: `@UseGuards(AuthGuard, TenantGuard)`, or as the last
 * `APP_GUARD`. Costs next to nothing.
 *
 * Where users are authenticated by a guard that runs later (that of a single route, say), and for messages and WebSockets, which
 * it lets pass as nobody's, use {@link TenantInterceptor}, which runs after all guards. Both at once do no harm: a request is
 * resolved once.
 *
 * @publicApi
 */
@Injectable()
export class TenantGuard implements CanActivate {
  constructor(
    @Inject(TenantResolver) private readonly resolver: TenantResolver,
    @Inject(TenantContext) private readonly context: TenantContext,
  ) {}

  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    if (requestOf(execution) === undefined) {
      // A global guard is Nest's for gateways, too. Nobody is in context then, unless the interceptor says who.
      return true;
    }
    const slot = this.context.requestSlot();
    if (slot === undefined) {
      throw new TenantRequiredError(
        'TenantGuard finds no context that was opened for this request: use TenantInterceptor where requests do not come by ' +
          "Nest's middleware, or runInTenant() surrounds them.",
      );
    }
    if (slot.state === 'filled') {
      return true;
    }
    if (this.context.isInBoundTransaction()) {
      throw new TenantRequiredError(
        'TenantGuard cannot bind the EntityManager of a transaction that began before it. Begin it later, or use TenantInterceptor.',
      );
    }
    const fill = (tenant: Tenant | undefined): true => {
      this.context.fill(slot, tenant);
      return true;
    };
    const tenant = resolveTenant(execution, this.resolver, this.context);
    return tenant instanceof Promise ? tenant.then(fill) : fill(tenant);
  }
}
