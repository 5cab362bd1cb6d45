import { Inject, type InjectionToken } from '@nestjs/common';
import { TenantSchema } from './tenancy/tenant-schema.js';

/** A class, abstract or not. */
interface Class<T> {
  readonly name: string;
  readonly prototype: T;
}

/**
 * The token under which a registration exports one of its providers: the class itself or, with a `contextName`, a text.
 *
 * @example `app.get(getPrismiqToken(DashboardRepository, 'analytics'))`
 * @publicApi
 */
export function getPrismiqToken<T>(provider: Class<T>, contextName?: string): InjectionToken<T> {
  return contextName === undefined ? (provider as InjectionToken<T>) : `Prismiq_${contextName}_${provider.name}`;
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
