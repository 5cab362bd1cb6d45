import { createParamDecorator, Inject, type InjectionToken, type Type } from '@nestjs/common';
import { CurrentTenantPipe } from './tenancy/current-tenant.pipe.js';
import { TenantContext } from './tenancy/tenant-context.js';
import { TenantResolver } from './tenancy/tenant-resolver.js';
import { TenantSchema } from './tenancy/tenant-schema.js';
import { TenantGuard } from './tenancy/tenant.guard.js';
import { TenantInterceptor } from './tenancy/tenant.interceptor.js';

/** A class, abstract or not. */
interface Class<T> {
  readonly name: string;
  readonly prototype: T;
}

/** Keyed by class, since a minifier may change names. */
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
  const known = tokens.get(contextName) ?? new Map<Class<unknown>, symbol>();
  const token = known.get(provider) ?? Symbol(`${provider.name} of ${contextName}`);
  tokens.set(contextName, known.set(provider, token));
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
 * Injects the request-scoped {@link TenantSchema}. A provider that injects it becomes request-scoped as well.
 *
 * @publicApi
 */
export const InjectTenantSchema = (contextName?: string): PropertyDecorator & ParameterDecorator =>
  InjectPrismiq(TenantSchema, contextName);

/**
 * Subclasses that depend on one named registration: Nest creates guards, interceptors and pipes in the controller's module, and
 * finds their dependencies by the tokens in the class.
 */
const subclasses = new Map<string, Map<Type, Type>>();

function bindToContext<Base extends Type>(
  base: Base,
  dependencies: Class<unknown>[],
  contextName: string | undefined,
): Base {
  if (contextName === undefined) {
    return base;
  }
  const known = subclasses.get(contextName) ?? new Map<Type, Type>();
  const existing = known.get(base);
  if (existing !== undefined) {
    return existing as Base;
  }
  const subclass = class extends (base as Type) {} as Base;
  dependencies.forEach((dependency, index) => InjectPrismiq(dependency, contextName)(subclass, undefined, index));
  subclasses.set(contextName, known.set(base, subclass));
  return subclass;
}

/**
 * The interceptor class of the registration with this `contextName`, for `@UseInterceptors()`. Without contexts it is
 * {@link TenantInterceptor}.
 *
 * @example `@UseInterceptors(getTenantInterceptor('analytics'))`
 * @publicApi
 */
export const getTenantInterceptor = (contextName?: string): Type<TenantInterceptor> =>
  bindToContext(TenantInterceptor, [TenantResolver, TenantContext], contextName);

/**
 * The guard class of the registration with this `contextName`, for `@UseGuards()`. Without contexts it is {@link TenantGuard}.
 *
 * @publicApi
 */
export const getTenantGuard = (contextName?: string): Type<TenantGuard> =>
  bindToContext(TenantGuard, [TenantResolver, TenantContext], contextName);

/**
 * Injects the tenant in context, a {@link Tenant}, into a parameter of a handler. Without one, the call fails with a
 * TenantRequiredError. The controller needs the {@link TenantInterceptor}.
 *
 * @example `list(@CurrentTenant() { tenantId, userId }: Tenant) {}`
 * @publicApi
 */
export const CurrentTenant = (contextName?: string): ParameterDecorator =>
  currentTenant(bindToContext(CurrentTenantPipe, [TenantContext], contextName));

const currentTenant = createParamDecorator(() => undefined);
