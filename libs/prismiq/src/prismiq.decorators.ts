import { Inject, type InjectionToken, type Type } from '@nestjs/common';
import { TenantContext } from './tenancy/tenant-context.js';
import { TenantRequests } from './tenancy/tenant-requests.js';
import { TenantResolver } from './tenancy/tenant-resolver.js';
import { TenantSchema } from './tenancy/tenant-schema.js';
import { TenantInterceptor } from './tenancy/tenant.interceptor.js';

/** A class, abstract or not. */
interface Class<T> {
  readonly name: string;
  readonly prototype: T;
}

/** By class and not by its name, which a minifier may change. */
const tokens = new Map<string, Map<Class<unknown>, symbol>>();

/**
 * The token under which a registration provides one of its classes: the class itself or, with a `contextName`, a symbol.
 *
 * @example `app.get(getPrismiqToken(DashboardRepository, 'analytics'))`
 * @publicApi
 */
export function getPrismiqToken<T>(provider: Class<T>, contextName?: string): InjectionToken<T> {
  if (contextName === undefined) {
    return provider as InjectionToken<T>;
  }
  const ofContext = tokens.get(contextName) ?? new Map<Class<unknown>, symbol>();
  const token = ofContext.get(provider) ?? Symbol(`${provider.name} of ${contextName}`);
  tokens.set(contextName, ofContext.set(provider, token));
  return token;
}

/**
 * Injects a provider of the registration with this `contextName`. Without contexts, the class as a constructor parameter's type
 * is enough.
 *
 * @publicApi
 */
export const InjectPrismiq = (provider: Class<unknown>, contextName?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getPrismiqToken(provider, contextName));

/**
 * Injects the request-scoped {@link TenantSchema}. Whoever injects it becomes request-scoped as well.
 *
 * @publicApi
 */
export const InjectTenantSchema = (contextName?: string): PropertyDecorator & ParameterDecorator =>
  InjectPrismiq(TenantSchema, contextName);

const interceptors = new Map<string, Type<TenantInterceptor>>();

/**
 * The interceptor class of the registration with this `contextName`, for `@UseInterceptors()`. Without contexts it is
 * {@link TenantInterceptor}.
 *
 * @example `@UseInterceptors(getTenantInterceptor('analytics'))`
 * @publicApi
 */
export function getTenantInterceptor(contextName?: string): Type<TenantInterceptor> {
  if (contextName === undefined) {
    return TenantInterceptor;
  }
  const known = interceptors.get(contextName);
  if (known !== undefined) {
    return known;
  }
  class TenantInterceptorOfContext extends TenantInterceptor {}
  [TenantResolver, TenantContext, TenantRequests].forEach((dependency, index) =>
    InjectPrismiq(dependency, contextName)(TenantInterceptorOfContext, undefined, index),
  );
  interceptors.set(contextName, TenantInterceptorOfContext);
  return TenantInterceptorOfContext;
}
