import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Observable } from 'rxjs';
import { assertClaims } from './claimed-headers.js';
import { TenantContext } from './tenant-context.js';
import { TenantRequests } from './tenant-requests.js';
import { TenantResolver, type ResolvedTenant } from './tenant-resolver.js';
import type { Tenant } from './tenant.js';

/**
 * Puts the tenant of a request into context before its handler runs. An interceptor, because guards have run by then, and the
 * tenant usually comes from the user whom they authenticated.
 *
 * Prismiq's own controllers have it. A host applies it to its own with `@UseInterceptors(TenantInterceptor)`, or to all with
 * `{ provide: APP_INTERCEPTOR, useExisting: TenantInterceptor }`.
 *
 * @publicApi
 */
@Injectable()
export class TenantInterceptor implements NestInterceptor {
  constructor(
    @Inject(TenantResolver) private readonly resolver: TenantResolver,
    @Inject(TenantContext) private readonly context: TenantContext,
    @Inject(TenantRequests) private readonly requests: TenantRequests,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const request: unknown = execution.getType() === 'http' ? execution.switchToHttp().getRequest() : undefined;
    const known = this.requests.get(request);
    if (known !== undefined) {
      // Applied globally and to the controller as well.
      return this.proceed(known.tenant, next);
    }
    const resolved = this.resolver.resolve(execution);
    return resolved instanceof Promise
      ? resolved.then((identity) => this.enter(identity, request, next))
      : this.enter(resolved, request, next);
  }

  private enter(identity: ResolvedTenant, request: unknown, next: CallHandler): Observable<unknown> {
    const tenant = identity == null ? undefined : this.context.toTenant(identity);
    if (request !== undefined) {
      if (tenant !== undefined) {
        assertClaims((request as { headers: Record<string, string> }).headers, tenant);
      }
      this.requests.set(request as object, tenant);
    }
    return this.proceed(tenant, next);
  }

  /**
   * The handler runs in the context, and so does an Observable that it returns, for as long as it goes on. A Node stream does not:
   * it is read when the answer is written, after all interceptors.
   */
  private proceed(tenant: Tenant | undefined, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => this.context.run(tenant, () => next.handle().subscribe(subscriber)));
  }
}
