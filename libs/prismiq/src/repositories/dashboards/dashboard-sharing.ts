import { RecordForbiddenError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardIsInTenant } from '../access.js';
import type { TenantScope } from '../tenant-repository.js';

/** A dashboard that a change of its people has touched. */
export interface Touched {
  id: string;
  /** Its version now. */
  version: number;
}

const RAISED = 'version = d.version + 1, updated_at = now()';

/**
 * Gives all dashboards of one user to another.
 *
 * @throws RecordForbiddenError unless the acting user is an admin or the one who gives
 */
export async function transferAll(sql: SqlExecutor, scope: TenantScope, from: string, to: string): Promise<Touched[]> {
  assertMayActFor(scope, from);
  const parameters = new Parameters();
  return sql.query<Touched>(
    `UPDATE ${scope.dashboards} d SET owner_id = ${parameters.add(to)}, ${RAISED}
     WHERE ${dashboardIsInTenant(scope.tenant, parameters)} AND d.owner_id::text = ${parameters.add(from)}::text AND d.owner_id::text <> ${parameters.add(to)}::text
     RETURNING d.id, d.version`,
    parameters.values,
  );
}

/**
 * Takes a user off all lists of viewers.
 *
 * @throws RecordForbiddenError unless the acting user is an admin or the one who leaves
 */
export async function removeFromViewers(sql: SqlExecutor, scope: TenantScope, userId: string): Promise<Touched[]> {
  assertMayActFor(scope, userId);
  const parameters = new Parameters();
  const user = `${parameters.add(userId)}::text`;
  return sql.query<Touched>(
    `UPDATE ${scope.dashboards} d SET allowed_viewers = array_remove(d.allowed_viewers, ${user}), ${RAISED}
     WHERE ${dashboardIsInTenant(scope.tenant, parameters)} AND ${user} = ANY(d.allowed_viewers)
     RETURNING d.id, d.version`,
    parameters.values,
  );
}

function assertMayActFor({ tenant }: TenantScope, userId: string): void {
  if (!tenant.isAdmin && tenant.userId !== userId) {
    const { tenantId, schema } = tenant;
    throw new RecordForbiddenError('dashboard', '*', { tenantId, schema });
  }
}
