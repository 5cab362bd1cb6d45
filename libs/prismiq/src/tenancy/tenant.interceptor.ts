import { Readable } from 'node:stream';
import {
  Inject,
  Injectable,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { concatWith, defer, ignoreElements, Observable } from 'rxjs';
import { requestOf, type Carrier } from './carrier.js';
import { assertClaims } from './claimed-headers.js';
import { TenantContext } from './tenant-context.js';
import { TenantRequests } from './tenant-requests.js';
import { TenantResolver, type ResolvedTenant } from './tenant-resolver.js';
import type { Tenant } from './tenant.js';

/**
 * Puts the tenant of a request, message or event into context before its handler runs. An interceptor, because guards have run by
 * then, and the tenant usually comes from the user whom they authenticated.
 *
 * Prismiq's own controllers have it. A host applies it to its own controllers and gateways with
 * `@UseInterceptors(TenantInterceptor)`, or to all with `{ provide: APP_INTERCEPTOR, useExisting: TenantInterceptor }`.
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
    const request = requestOf(execution);
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

  private enter(
    identity: ResolvedTenant,
    request: Carrier | undefined,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const tenant = identity == null ? undefined : this.context.resolve(identity);
    return tenant instanceof Promise
      ? tenant.then((found) => this.begin(found, request, next))
      : this.begin(tenant, request, next);
  }

  private begin(tenant: Tenant | undefined, request: Carrier | undefined, next: CallHandler): Observable<unknown> {
    if (request !== undefined) {
      if (tenant !== undefined) {
        assertClaims(request.headers ?? {}, tenant);
      }
      this.requests.set(request, tenant);
    }
    return this.proceed(tenant, next);
  }

  /** The handler runs in the context, and so does what it returns, for as long as that goes on: an Observable, or a stream. */
  private proceed(tenant: Tenant | undefined, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) =>
      this.context.run(tenant, () =>
        this.untilFlushed(next.handle()).subscribe({
          next: (answer) => subscriber.next(tenant === undefined ? answer : this.carry(answer)),
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      ),
    );
  }

  /** Where the host has a transaction around its handlers, what is still to be written must be so before that ends. */
  private untilFlushed(answers: Observable<unknown>): Observable<unknown> {
    return this.context.needsFlush()
      ? answers.pipe(concatWith(defer(() => this.context.flush()).pipe(ignoreElements())))
      : answers;
  }

  /** A stream is read when the answer is written, after all interceptors; what reads from it runs in the context all the same. */
  private carry(answer: unknown): unknown {
    const stream = answer instanceof StreamableFile ? answer.getStream() : answer;
    if (stream instanceof Readable) {
      // oxlint-disable-next-line no-underscore-dangle -- the name that Node gives to what a stream implements
      stream._read = this.context.bind(stream._read.bind(stream));
    }
    return answer;
  }
}
