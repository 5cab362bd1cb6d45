import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { concatWith, defer, ignoreElements, Observable } from 'rxjs';
import { getHttpRequest } from './request-like.js';
import { resolveTenant } from './resolve-tenant.js';
import { TenantContext } from './tenant-context.js';
import { TenantResolver } from './tenant-resolver.js';
import type { TenantStore } from './tenant-store.js';
import type { Tenant } from './tenant.js';

/**
 * Puts the tenant of a request, message or event into context before its handler runs. It runs after all guards, because the tenant
 * usually comes from the user that they authenticated.
 *
 * Prismiq's own controllers use it. A host applies it to its controllers and gateways with `@UseInterceptors(TenantInterceptor)`, or
 * to all with `{ provide: APP_INTERCEPTOR, useExisting: TenantInterceptor }`. For HTTP, {@link TenantGuard} costs less, and pipes and
 * other interceptors see the tenant as well.
 *
 * @publicApi
 */
@Injectable()
export class TenantInterceptor implements NestInterceptor {
  constructor(
    @Inject(TenantResolver) private readonly resolver: TenantResolver,
    @Inject(TenantContext) private readonly context: TenantContext,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const store = getHttpRequest(execution) === undefined ? undefined : this.context.requestStore();
    if (store?.state === 'assigned') {
      return next.handle();
    }
    const tenant = resolveTenant(execution, this.resolver, this.context);
    return tenant instanceof Promise
      ? tenant.then((found) => this.proceed(found, store, next))
      : this.proceed(tenant, store, next);
  }

  private proceed(tenant: Tenant | undefined, store: TenantStore | undefined, next: CallHandler): Observable<unknown> {
    if (store !== undefined) {
      this.context.assign(store, tenant);
      if (!this.context.isInBoundTransaction()) {
        return next.handle();
      }
    }
    // An Observable that the handler returns continues in the context, too.
    return new Observable((subscriber) =>
      this.context.run(tenant, () => this.untilFlushed(next.handle()).subscribe(subscriber)),
    );
  }

  /** If the host has a transaction around its handlers, pending changes must be flushed before it ends. */
  private untilFlushed(answers: Observable<unknown>): Observable<unknown> {
    return this.context.isInBoundTransaction()
      ? answers.pipe(concatWith(defer(() => this.context.flush()).pipe(ignoreElements())))
      : answers;
  }
}
