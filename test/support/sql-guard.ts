import { AsyncLocalStorage } from 'node:async_hooks';
import { TenantContext, type Tenant } from '@prismiq/nestjs';
import { SqlGuard } from '@prismiq/nestjs/testing';

const tenants = new AsyncLocalStorage<Tenant | undefined>();

/** On all connections of a test file; see sql-guard.setup.ts. What a test prepares goes by {@link TestDatabase.query}. */
export const suiteGuard = new SqlGuard({ tenant: () => tenants.getStore() });

/** Every application of a test file has tenant contexts of its own: the guard hears of all of them. */
interface Internals {
  run<T>(tenant: Tenant | undefined, fn: () => T): T;
}
const prototype = TenantContext.prototype as unknown as Internals;
const { run } = prototype;
prototype.run = function <T>(this: Internals, tenant: Tenant | undefined, fn: () => T): T {
  return tenants.run(tenant, () => run.call(this, tenant, fn) as T);
};
