import { Inject, Injectable } from '@nestjs/common';
import { deriveSchema, type SchemaFor } from '../directory/schema-for.js';
import { TenantRegistry } from '../directory/tenant-registry.js';
import { assertTenantId } from '../directory/tenant-id.js';
import { TenantRequiredError, type ForEachTenantResult } from '../errors/tenancy.errors.js';
import { PRISMIQ_SCHEMA_FOR } from '../prismiq.constants.js';
import { forEach, type ForEachTenantOptions } from './for-each-tenant.js';
import { TenantEntityManager } from './tenant-entity-manager.js';
import { TenantStorage, type TenantStore } from './tenant-store.js';
import { toTenant, type Tenant, type TenantIdentity } from './tenant.js';

/**
 * The tenant for which the running code works. It follows the asynchronous flow of control: everything that is awaited inside sees it,
 * and nothing outside does. It is a singleton, and so are the providers that inject it.
 *
 * @publicApi
 */
@Injectable()
export class TenantContext {
  constructor(
    @Inject(TenantStorage) private readonly storage: TenantStorage,
    @Inject(TenantRegistry) private readonly registry: TenantRegistry,
    @Inject(PRISMIQ_SCHEMA_FOR) private readonly schemaFor: SchemaFor,
    @Inject(TenantEntityManager) private readonly entityManager: TenantEntityManager,
  ) {}

  /** The tenant in context, if any. */
  current(): Tenant | undefined {
    return this.storage.getStore()?.tenant;
  }

  /**
   * The tenant in context.
   *
   * @throws TenantRequiredError when there is none
   */
  require(): Tenant {
    const tenant = this.current();
    if (tenant === undefined) {
      throw new TenantRequiredError();
    }
    return tenant;
  }

  /**
   * Runs `fn` for a tenant, in jobs, cron, queues, scripts and tests, where there is no request. Inside another tenant's
   * context it replaces that until `fn` has ended. The result of `fn` is awaited.
   *
   * @param tenant a tenant id, or an identity with the user who acts
   * @throws InvalidTenantIdError, InvalidUserIdError, TenantNotFoundError, TenantSuspendedError, TenantDirectoryError
   * @example
   * ```ts
   * await tenants.runInTenant({ tenantId: 'acme', userId: 'ada' }, () => dashboards.create({ name: 'Sales' }));
   * ```
   */
  async runInTenant<T>(tenant: string | TenantIdentity, fn: () => T | Promise<T>): Promise<T> {
    return this.runToEnd(await this.resolve(typeof tenant === 'string' ? { tenantId: tenant } : tenant), fn);
  }

  /**
   * Runs `fn` for each active tenant of the directory, each in its own context, without a user (see {@link asSystem}): for cron
   * jobs and scripts. A tenant that the directory describes wrongly is a failure like any other.
   *
   * @throws TenantListError (the directory failed), TenantTaskError (with `onError: 'stop'`); both have the `result` so far
   * @example
   * ```ts
   * const { failures } = await tenants.forEachTenant(() => reports.send(), { concurrency: 8, onError: 'continue' });
   * ```
   */
  forEachTenant(fn: (tenant: Tenant) => unknown, options: ForEachTenantOptions = {}): Promise<ForEachTenantResult> {
    return forEach(
      this.registry.list(),
      (record) => {
        const tenant = toTenant(record, record);
        return this.runToEnd(tenant, () => fn(tenant));
      },
      options,
    );
  }

  /**
   * Runs `fn` as the system, which may see and change everything of the tenant in context. What it creates has no owner.
   *
   * @throws TenantRequiredError
   * @example `await tenants.runInTenant('acme', () => tenants.asSystem(() => dashboards.removeViewer('bob')))`
   */
  async asSystem<T>(fn: () => T | Promise<T>): Promise<T> {
    const { tenantId, schema } = this.require();
    const tenant = Object.freeze({ tenantId, schema, userId: undefined, isAdmin: true });
    // The same tenant, and so the same EntityManager.
    return this.storage.run({ state: 'nested', tenant, binding: this.storage.getStore()?.binding }, fn);
  }

  /**
   * Binds a function to the tenant in context: for callbacks of streams, pools and emitters, which otherwise run in the context of
   * their caller. Each call has a context of its own and, with `bindEntityManager`, an EntityManager of its own, which it must flush.
   *
   * @throws TenantRequiredError
   * @example `this.events.pipe(mergeMap(tenants.bind(() => dashboards.list())))`
   */
  bind<Args extends unknown[], T>(fn: (...args: Args) => T): (...args: Args) => T {
    const tenant = this.require();
    return (...args) => this.run(tenant, () => fn(...args));
  }

  /**
   * A key for a cache that tenants share. Different tenants, and different parts, give different keys.
   *
   * @throws TenantRequiredError
   * @example `cache.get(tenants.cacheKey('summary', dashboardId))`
   */
  cacheKey(...parts: readonly (string | number)[]): string {
    return ['tenant', this.require().tenantId, ...parts].map((part) => encodeURIComponent(part)).join(':');
  }

  /**
   * The fields for log lines; empty outside of a tenant's context. See {@link TenantLogger} for Nest's own logger.
   *
   * @example `pino({ mixin: () => tenants.logFields() })`
   */
  logFields(): { tenantId?: string; userId?: string } {
    const { tenantId, userId } = this.current() ?? {};
    return { ...(tenantId !== undefined && { tenantId }), ...(userId !== undefined && { userId }) };
  }

  /**
   * Derives the schema of any tenant by the `schemaFor` option, such as for a sign-up that creates the tables before the directory knows
   * the tenant. Nothing is looked up.
   *
   * @throws InvalidTenantIdError
   */
  deriveSchema(tenantId: string): string {
    assertTenantId(tenantId);
    return deriveSchema(tenantId, this.schemaFor);
  }

  /** Checks an identity and looks its tenant up. Returns no promise if the tenant is cached. @internal */
  resolve(identity: TenantIdentity): Tenant | Promise<Tenant> {
    const record = this.registry.require(identity.tenantId);
    return record instanceof Promise ? record.then((found) => toTenant(identity, found)) : toTenant(identity, record);
  }

  /** Runs `fn` for a tenant that has been checked, or for none. @internal */
  run<T>(tenant: Tenant | undefined, fn: () => T): T {
    if (tenant === undefined) {
      return this.storage.run({ state: 'nested', tenant, binding: undefined }, fn);
    }
    const { schema } = tenant;
    const store: TenantStore = { state: 'nested', tenant, binding: this.entityManager.bind(schema) };
    return this.storage.run(store, () => this.entityManager.runInTransaction(schema, fn));
  }

  /** Opens the context of an HTTP request, whose tenant is not known yet. @internal */
  open<T>(fn: () => T): T {
    return this.storage.run({ state: 'open', tenant: undefined, binding: undefined }, fn);
  }

  /** The store of the current HTTP request, assigned or not. @internal */
  requestStore(): TenantStore | undefined {
    const store = this.storage.getStore();
    return store?.state === 'nested' ? undefined : store;
  }

  /** Assigns the tenant of a request. Only the first call has an effect. @internal */
  assign(store: TenantStore, tenant: Tenant | undefined): void {
    if (store.state === 'assigned') {
      return;
    }
    store.state = 'assigned';
    store.tenant = tenant;
    store.binding = tenant && this.entityManager.bind(tenant.schema);
  }

  /** Whether the caller is in a transaction of the host, in which its bound EntityManager must be flushed. @internal */
  isInBoundTransaction(): boolean {
    return this.entityManager.isInTransaction();
  }

  /** Flushes the host's bound EntityManager in a transaction that continues. @internal */
  flush(): Promise<void> {
    return this.entityManager.flush();
  }

  private runToEnd<T>(tenant: Tenant, fn: () => T | Promise<T>): Promise<T> {
    return this.run(tenant, async () => {
      const result = await fn();
      await this.flush();
      return result;
    });
  }
}
