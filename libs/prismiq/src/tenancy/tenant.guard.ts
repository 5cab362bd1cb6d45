import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TenantRequiredError } from '../errors/tenancy.errors.js';
import { getHttpRequest } from './request-like.js';
import { resolveTenant } from './resolve-tenant.js';
import { TenantContext } from './tenant-context.js';
import { TenantResolver } from './tenant-resolver.js';
import type { Tenant } from './tenant.js';

/**
 * Puts the tenant of an HTTP request into context, for pipes, interceptors, the handler, filters, and a stream that continues after
 * them. List it after the guard that authenticates the user: `@UseGuards(AuthGuard, TenantGuard)`, or as the last `APP_GUARD`.
 *
 * It lets messages and WebSockets pass without a tenant. For these, and where a guard that runs later authenticates the user (such as
 * that of a single route), use {@link TenantInterceptor}, which runs after all guards. Both can be used together: a request is
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
    if (getHttpRequest(execution) === undefined) {
      // A global guard runs for gateways, too. No tenant is in context then, unless the interceptor resolves one.
      return true;
    }
    const store = this.context.requestStore();
    if (store === undefined) {
      throw new TenantRequiredError(
        "TenantGuard finds no open context for this request: use TenantInterceptor where requests do not pass Nest's middleware, " +
          'or where runInTenant() surrounds them.',
      );
    }
    if (store.state === 'assigned') {
      return true;
    }
    if (this.context.isInBoundTransaction()) {
      throw new TenantRequiredError(
        'TenantGuard cannot bind the EntityManager of a transaction that began before it. Begin it later, or use TenantInterceptor.',
      );
    }
    const assign = (tenant: Tenant | undefined): true => {
      this.context.assign(store, tenant);
      return true;
    };
    const tenant = resolveTenant(execution, this.resolver, this.context);
    return tenant instanceof Promise ? tenant.then(assign) : assign(tenant);
  }
}
