import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import type { Tenant } from './tenant.js';

/**
 * What AsyncLocalStorage holds. The store of a request is opened before its tenant is known, and assigned once, so that pipes,
 * interceptors, filters, and a stream that continues after the handler see the tenant as well.
 */
export interface TenantStore {
  /** `open` and `assigned` for a request; `nested` where the tenant was known from the start. */
  state: 'open' | 'assigned' | 'nested';
  tenant: Tenant | undefined;
  /** The schema and EntityManager for the host's injected one; `undefined` if that is not bound. */
  binding: EntityManagerBinding | undefined;
}

export interface EntityManagerBinding {
  readonly schema: string;
  /** The RequestContext in which it began: one that begins inside has an EntityManager of its own. */
  readonly request: RequestContext | undefined;
  /** Created at its first use, because most code needs none. */
  em: EntityManager | undefined;
}

/** One for each registration of the module. */
export class TenantStorage extends AsyncLocalStorage<TenantStore> {}
