import type { INestApplication } from '@nestjs/common';
import type { SqlTarget } from '../sql/sql-target.js';
import type { IsolationRequest } from './isolation-requests.js';

/** A tenant for {@link checkIsolation}, with rows of its own. @publicApi */
export interface IsolationTenant {
  readonly tenantId: string;
  readonly schema: string;
  /** The credentials of one of its users, who may do what the requests ask for: `{ authorization: 'Bearer …' }`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @publicApi */
export interface IsolationOptions<Tenant extends IsolationTenant = IsolationTenant> {
  /** The application, listening, or its address. */
  app: INestApplication | string;
  /** Where the tenants' schemas are; see {@link SqlTarget}. Only read. */
  database: SqlTarget;
  /** Two or more, made for this check: its requests do what they say. */
  tenants: readonly Tenant[];
  /** What a tenant asks for, with the ids of its own records. */
  requests: (tenant: Tenant) => readonly IsolationRequest[] | Promise<readonly IsolationRequest[]>;
  /**
   * With which headers somebody claims to be of a tenant without being so. Return none where headers are what identifies a tenant.
   * @default X-Tenant-ID and X-Schema-Name, as Prismiq's client sends them
   */
  claims?: ((tenant: Tenant) => Record<string, string>) | undefined;
}

/** @publicApi */
export interface Leak {
  /** Whether somebody saw, or changed, what is another tenant's. */
  kind: 'read' | 'write';
  /** With whose credentials; nothing: without any. */
  asker: string | undefined;
  /** Whose data it was. */
  owner: string;
  /** Of a read, e.g. `GET /orders`; a write was found after several requests. */
  request: string | undefined;
  /** The values seen, or the rows changed; the first of them. */
  evidence: string[];
}
