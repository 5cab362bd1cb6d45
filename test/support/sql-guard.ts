import { AsyncLocalStorage } from 'node:async_hooks';
import { TenantContext } from '@prismiq/nestjs';
import { SqlGuard } from '@prismiq/nestjs/testing';

/** Each application of a test file has a tenant context of its own: this is the one that was entered last. */
const entered = new AsyncLocalStorage<TenantContext>();

/** On all connections of a test file; see sql-guard.setup.ts. What a test prepares goes by {@link TestDatabase.query}. */
export const suiteGuard = await SqlGuard.create({ tenant: () => entered.getStore()?.current() });

type Enter = (this: TenantContext, ...args: unknown[]) => unknown;
const prototype = TenantContext.prototype as unknown as Record<'run' | 'open', Enter>;
for (const method of ['run', 'open'] as const) {
  const enter = prototype[method];
  prototype[method] = function (...args) {
    return entered.run(this, () => enter.apply(this, args));
  };
}
