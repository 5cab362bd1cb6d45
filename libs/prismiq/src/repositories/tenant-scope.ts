import type { ChangeEvent } from '../changes/change-event.js';
import type { Limits } from '../documents/limits.js';
import type { Tenant } from '../tenancy/tenant.js';

/** One call for a tenant. */
export interface TenantScope {
  readonly tenant: Tenant;
  /** The tenant's tables, qualified and quoted. */
  readonly dashboards: string;
  readonly widgets: string;
  readonly savedQueries: string;
  readonly limits: Limits;
  /** What the call has changed, to be published once it is committed. */
  readonly changes: ChangeEvent[];
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be the id of a record. For one that cannot, PostgreSQL would raise an error instead of finding nothing. */
export const isId = (id: unknown): id is string => typeof id === 'string' && UUID.test(id);

/** A change as a statement knows it. */
type Change = Pick<ChangeEvent, 'kind' | 'action' | 'id'> &
  Partial<Pick<ChangeEvent, 'dashboardId' | 'versionBefore' | 'versionAfter'>>;

/** Records a change, to be published once it is committed. */
export function noteChange({ tenant, changes }: TenantScope, change: Change): void {
  const { tenantId, schema, userId } = tenant;
  const unset = { dashboardId: undefined, versionBefore: undefined, versionAfter: undefined };
  changes.push({ tenantId, schema, userId, ...unset, ...change, id: change.id.toLowerCase() });
}

/** Records an update that raised the version by one. */
export const noteUpdate = (scope: TenantScope, kind: ChangeEvent['kind'], id: string, versionAfter: number): void =>
  noteChange(scope, { kind, action: 'updated', id, versionBefore: versionAfter - 1, versionAfter });
