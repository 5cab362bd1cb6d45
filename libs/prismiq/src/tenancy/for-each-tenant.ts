import type { ListedTenant, TenantRecord } from '../directory/tenant-directory.js';
import { TenantListError, TenantTaskError, type ForEachTenantResult } from '../errors/tenancy.errors.js';

/** @publicApi */
export interface ForEachTenantOptions {
  /**
   * How many tenants to work for at the same time.
   * @default 1
   */
  concurrency?: number | undefined;
  /**
   * Whether to start further tenants after one has failed.
   * @default 'stop'
   */
  onError?: 'stop' | 'continue' | undefined;
}

/** Works through the tenants as they are listed, so that only those in progress are in memory. */
export async function forEach(
  tenants: AsyncGenerator<ListedTenant>,
  work: (tenant: TenantRecord) => unknown,
  { concurrency = 1, onError = 'stop' }: ForEachTenantOptions,
): Promise<ForEachTenantResult> {
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be a whole number from 1, but is ${concurrency}`);
  }
  const result: ForEachTenantResult = { succeeded: 0, failures: [], suspended: 0 };
  const mayGoOn = () => onError === 'continue' || result.failures.length === 0;

  const workThrough = async (): Promise<void> => {
    while (mayGoOn()) {
      const { value: tenant, done } = await tenants.next();
      if (done || !mayGoOn()) {
        return;
      }
      if (tenant.state === 'suspended') {
        result.suspended += 1;
        continue;
      }
      try {
        if (tenant.state === 'invalid') {
          throw tenant.error;
        }
        await work(tenant);
        result.succeeded += 1;
      } catch (error) {
        result.failures.push({ tenantId: tenant.tenantId, error });
      }
    }
  };

  // All settled, and not the first to fail: nothing may go on in the background when this returns.
  const workers = await Promise.allSettled(Array.from({ length: concurrency }, workThrough));
  await tenants.return(undefined);
  const broken = workers.find((worker) => worker.status === 'rejected');
  if (broken !== undefined) {
    throw new TenantListError(result, { cause: broken.reason });
  }
  const [failure] = result.failures;
  if (failure !== undefined && onError === 'stop') {
    throw new TenantTaskError(result, { tenantId: failure.tenantId, cause: failure.error });
  }
  return result;
}
