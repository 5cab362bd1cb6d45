import { TenantResolver, type ResolvedTenant } from '../tenancy/tenant-resolver.js';
import type { TenantIdentity } from '../tenancy/tenant.js';

/**
 * Says of every request whose it is, without any authentication: a test decides, and may change its mind between two requests.
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
  /** @param identity who asks; nothing: the requests belong to no tenant */
  constructor(public identity?: TenantIdentity) {
    super();
  }

  override resolve(): ResolvedTenant {
    return this.identity;
  }
}
