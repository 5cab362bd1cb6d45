import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import { TenantRequiredError } from '../errors/tenancy.errors.js';
import { PRISMIQ_SCHEMA_FOR } from '../prismiq.constants.js';
import { toTenant, type SchemaFor, type Tenant, type TenantIdentity } from './tenant.js';

/**
 * The tenant for which the running code works. It travels with the asynchronous flow of control, so that everything awaited
 * within, however deep, sees it, and nothing outside does. A singleton: whoever injects it stays one.
 *
 * @publicApi
 */
@Injectable()
export class TenantContext {
  readonly #storage = new AsyncLocalStorage<Tenant | undefined>();

  constructor(@Inject(PRISMIQ_SCHEMA_FOR) private readonly schemaFor: SchemaFor) {}

  /** The tenant in context, if any. */
  current(): Tenant | undefined {
    return this.#storage.getStore();
  }

  /**
   * The tenant in context.
   *
   * @throws TenantRequiredError when there is none
   */
  require(): Tenant {
    const tenant = this.#storage.getStore();
    if (tenant === undefined) {
      throw new TenantRequiredError();
    }
    return tenant;
  }

  /**
   * Runs `fn` for a tenant: for jobs, cron, queues, scripts and tests, where no request says whose work it is. Inside another
   * tenant's context it takes its place until `fn` has ended.
   *
   * Asynchronous, so that a tenant can be looked up first; what `fn` returns is awaited.
   *
   * @param tenant a tenant id, or an identity with the user who acts
   * @throws InvalidTenantIdError, InvalidUserIdError
   * @example
   * ```ts
   * await tenants.runInTenant({ tenantId: 'acme', userId: 'ada' }, () => dashboards.create({ name: 'Sales' }));
   * ```
   */
  async runInTenant<T>(tenant: string | TenantIdentity, fn: () => T | Promise<T>): Promise<T> {
    return this.run(this.toTenant(typeof tenant === 'string' ? { tenantId: tenant } : tenant), fn);
  }

  /**
   * Runs `fn` as the system, which may see and change everything of the tenant in context, and owns what it creates to nobody.
   *
   * @throws TenantRequiredError
   * @example `await tenants.runInTenant('acme', () => tenants.asSystem(() => dashboards.removeViewer('bob')))`
   */
  async asSystem<T>(fn: () => T | Promise<T>): Promise<T> {
    const { tenantId, schema } = this.require();
    return this.run(Object.freeze({ tenantId, schema, userId: undefined, isAdmin: true }), fn);
  }

  /**
   * The schema of any tenant, by the `schemaFor` option: for a sign-up, say, which makes the tables before the tenant can be
   * in context. That it exists is not checked.
   *
   * @throws InvalidTenantIdError
   */
  schemaOf(tenantId: string): string {
    return this.toTenant({ tenantId }).schema;
  }

  /** Checks an identity and derives its schema. @internal */
  toTenant(identity: TenantIdentity): Tenant {
    return toTenant(identity, this.schemaFor);
  }

  /** Runs `fn` for a tenant that was checked already, or for none. @internal */
  run<T>(tenant: Tenant | undefined, fn: () => T): T {
    return this.#storage.run(tenant, fn);
  }
}
