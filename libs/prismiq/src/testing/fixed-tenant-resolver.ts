import { TenantResolver, type ResolvedTenant } from '../tenancy/tenant-resolver.js';
import type { TenantIdentity } from '../tenancy/tenant.js';

/**
 * Gives every request the identity that the test has set, without any authentication. The test may change it between requests.
 *
 * @example
 * ```ts
 * const asking = new FixedTenantResolver({ tenantId: 'acme', userId: 'ada' });
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(TenantResolver).useValue(asking);
 * asking.identity = { tenantId: 'globex', userId: 'gus' };
 * ```
 * @publicApi
 */
export class FixedTenantResolver extends TenantResolver {
  /** @param identity of the requests, undefined if they belong to no tenant */
  constructor(public identity?: TenantIdentity) {
    super();
  }

  override resolve(): ResolvedTenant {
    return this.identity;
  }
}
