import { Inject, Injectable } from '@nestjs/common';
import { deriveSchema, type SchemaFor } from '../directory/schema-for.js';
import { TenantRegistry } from '../directory/tenant-registry.js';
import { assertTenantId } from '../directory/tenant-id.js';
import { TenantRequiredError, type ForEachTenantResult } from '../errors/tenancy.errors.js';
import { PRISMIQ_SCHEMA_FOR } from '../prismiq.constants.js';
import { forEach, type ForEachTenantOptions } from './for-each-tenant.js';
import { TenantEntityManager } from './tenant-entity-manager.js';
import { TenantSlots, type TenantStore } from './tenant-store.js';
import { toTenant, type Tenant, type TenantIdentity } from './tenant.js';

/**
 * The tenant for which the running code works. It travels with the asynchronous flow of control, so that everything awaited
 * within, however deep, sees it, and nothing outside does. A singleton: whoever injects it stays one.
 *
 * @publicApi
 */
@Injectable()
export class TenantContext {
  constructor(
    @Inject(TenantSlots) private readonly slots: TenantSlots,
    @Inject(TenantRegistry) private readonly registry: TenantRegistry,
    @Inject(PRISMIQ_SCHEMA_FOR) private readonly schemaFor: SchemaFor,
    @Inject(TenantEntityManager) private readonly entityManager: TenantEntityManager,
  ) {}

  /** The tenant in context, if any. */
  current(): Tenant | undefined {
    return this.slots.getStore()?.tenant;
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
   * Runs `fn` for a tenant: for jobs, cron, queues, scripts and tests, where no request says whose work it is. Inside another
   * tenant's context it takes its place until `fn` has ended. What `fn` returns is awaited.
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
   * Runs `fn` as the system, which may see and change everything of the tenant in context, and owns what it creates to nobody.
   *
   * @throws TenantRequiredError
   * @example `await tenants.runInTenant('acme', () => tenants.asSystem(() => dashboards.removeViewer('bob')))`
   */
  async asSystem<T>(fn: () => T | Promise<T>): Promise<T> {
    const { tenantId, schema } = this.require();
    const tenant = Object.freeze({ tenantId, schema, userId: undefined, isAdmin: true });
    // The same tenant, and so the same EntityManager.
    return this.slots.run({ state: 'nested', tenant, binding: this.slots.getStore()?.binding }, fn);
  }

  /**
   * A function that runs in the tenant's context wherever it is called from: for the callbacks of streams, pools and emitters,
   * which run in the context of whoever calls them. Each call has a context of its own, and with it an EntityManager, where that
   * is bound: what it changes, it has to flush.
   *
   * @throws TenantRequiredError
   * @example `this.events.pipe(mergeMap(tenants.bind(() => dashboards.list())))`
   */
  bind<Args extends unknown[], T>(fn: (...args: Args) => T): (...args: Args) => T {
    const tenant = this.require();
    return (...args) => this.run(tenant, () => fn(...args));
  }

  /**
   * A key of a cache that tenants share: of different tenants, or of parts that are different texts, no two are the same.
   *
   * @throws TenantRequiredError: nothing is kept under nobody's name
   * @example `cache.get(tenants.cacheKey('summary', dashboardId))`
   */
  cacheKey(...parts: readonly (string | number)[]): string {
    return ['tenant', this.require().tenantId, ...parts].map((part) => encodeURIComponent(part)).join(':');
  }

  /**
   * What each log line should say of whose work it tells; nothing outside of a tenant's context. See {@link TenantLogger} for
   * Nest's own logger.
   *
   * @example `pino({ mixin: () => tenants.logFields() })`
   */
  logFields(): { tenantId?: string; userId?: string } {
    const { tenantId, userId } = this.current() ?? {};
    return { ...(tenantId !== undefined && { tenantId }), ...(userId !== undefined && { userId }) };
  }

  /**
   * The schema of any tenant, by the `schemaFor` option: for a sign-up, say, which makes the tables before any directory knows
   * the tenant. That it exists is not checked.
   *
   * @throws InvalidTenantIdError
   */
  schemaOf(tenantId: string): string {
    assertTenantId(tenantId);
    return deriveSchema(tenantId, this.schemaFor);
  }

  /** Checks an identity and looks its tenant up; without a promise where that is known already. @internal */
  resolve(identity: TenantIdentity): Tenant | Promise<Tenant> {
    const record = this.registry.require(identity.tenantId);
    return record instanceof Promise ? record.then((found) => toTenant(identity, found)) : toTenant(identity, record);
  }

  /** Runs `fn` for a tenant that was checked already, or for none. @internal */
  run<T>(tenant: Tenant | undefined, fn: () => T): T {
    if (tenant === undefined) {
      return this.slots.run({ state: 'nested', tenant, binding: undefined }, fn);
    }
    const { schema } = tenant;
    const slot: TenantStore = { state: 'nested', tenant, binding: this.entityManager.bind(schema) };
    return this.slots.run(slot, () => this.entityManager.runInTransaction(schema, fn));
  }

  /** Opens the context of an HTTP request, whose tenant is not known yet. @internal */
  open<T>(fn: () => T): T {
    return this.slots.run({ state: 'open', tenant: undefined, binding: undefined }, fn);
  }

  /** The context of the HTTP request in which the call stands, filled or not. @internal */
  requestSlot(): TenantStore | undefined {
    const slot = this.slots.getStore();
    return slot?.state === 'nested' ? undefined : slot;
  }

  /** Says, once and for all, whose request it is: of several who find out at the same time, the first. @internal */
  fill(slot: TenantStore, tenant: Tenant | undefined): void {
    if (slot.state === 'filled') {
      return;
    }
    slot.state = 'filled';
    slot.tenant = tenant;
    slot.binding = tenant && this.entityManager.bind(tenant.schema);
  }

  /** Whether the host has a transaction around, in which its bound EntityManager must be flushed. @internal */
  isInBoundTransaction(): boolean {
    return this.entityManager.isInTransaction();
  }

  /** Writes what the host's bound EntityManager has left to be written in a transaction that goes on after it. @internal */
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
