import { createHash } from 'node:crypto';
import type { Tenant } from '../../tenancy/tenant.js';
import { parameterText } from '../run/parameter-text.js';

/** What a result depends on, beside the rows of the tables. */
export interface CacheSubject {
  readonly tenant: Tenant;
  readonly schemaVersion: string;
  /** With everything that was compiled into it: visible columns, row rules, dates, limits. */
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly maximumRows: number;
  readonly timeZone: string;
}

/**
 * The statement itself, with its values, is in the key: whoever would run another one, by other rights, on another day or in another
 * zone, has another key.
 */
export function cacheKey({ tenant, schemaVersion, sql, parameters, maximumRows, timeZone }: CacheSubject): string {
  const subject = [
    tenant.tenantId,
    tenant.schema,
    schemaVersion,
    sql,
    parameters.map(parameterText),
    maximumRows,
    timeZone,
  ];
  const digest = createHash('sha256').update(JSON.stringify(subject)).digest('base64url');
  return `prismiq:result:${encodeURIComponent(tenant.tenantId)}:${digest}`;
}

export const generationKey = (tenantId: string): string => `prismiq:generation:${encodeURIComponent(tenantId)}`;
