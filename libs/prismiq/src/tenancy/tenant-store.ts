import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import type { Tenant } from './tenant.js';

/**
 * What a flow of control carries along. That of a request is opened before anybody knows whose it is, and filled once; so that what
 * surrounds the handler (pipes, interceptors, filters, a stream that goes on after it) sees the tenant as well.
 */
export interface TenantStore {
  /** Of a request, which is still to be filled or is filled; or of what runs for a tenant that was named from the start. */
  state: 'open' | 'filled' | 'nested';
  tenant: Tenant | undefined;
  /** What the host's EntityManager stands for here; nothing where that is left alone. */
  binding: EntityManagerBinding | undefined;
}

export interface EntityManagerBinding {
  readonly schema: string;
  /** The request in which it began: one that began inside of it has an EntityManager of its own. */
  readonly request: RequestContext | undefined;
  /** Made when it is first used: most code needs none. */
  em: EntityManager | undefined;
}

/** One for each registration of the module. */
export class TenantSlots extends AsyncLocalStorage<TenantStore> {}
