import type { INestApplication } from '@nestjs/common';
import type { SqlTarget } from '../sql/sql-target.js';
import type { IsolationRequest } from './isolation-requests.js';

/** A tenant for {@link checkIsolation}. It must have rows of its own. @publicApi */
export interface IsolationTenant {
  readonly tenantId: string;
  readonly schema: string;
  /** The credentials of a user of the tenant who may do what the requests ask for: `{ authorization: 'Bearer …' }`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @publicApi */
export interface IsolationOptions<Tenant extends IsolationTenant = IsolationTenant> {
  /** The application, which must be listening, or its URL. */
  app: INestApplication | string;
  /** The database with the tenants' schemas, which is only read; see {@link SqlTarget}. */
  database: SqlTarget;
  /** Two or more, created for this check: its requests really change their data. */
  tenants: readonly Tenant[];
  /** The requests of a tenant, with the ids of its own records. */
  requests: (tenant: Tenant) => readonly IsolationRequest[] | Promise<readonly IsolationRequest[]>;
  /**
   * The headers in which an attacker claims to belong to a tenant. Return none if headers identify the tenant.
   * @default X-Tenant-ID and X-Schema-Name, as Prismiq's client sends them
   */
  claims?: ((tenant: Tenant) => Record<string, string>) | undefined;
}

/** @publicApi */
export interface Leak {
  /** Whether data of another tenant was seen, or changed. */
  kind: 'read' | 'write';
  /** The tenant whose credentials were used, undefined without credentials. */
  asker: string | undefined;
  /** The tenant whose data it was. */
  owner: string;
  /** The request of a read, e.g. `GET /orders`; `undefined` for a write, which is found after several requests. */
  request: string | undefined;
  /** The first five values that were seen, or rows that were changed. */
  evidence: string[];
}
