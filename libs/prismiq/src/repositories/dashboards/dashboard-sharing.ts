import { RecordForbiddenError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { errorContext } from '../../tenancy/tenant.js';
import { dashboardInTenantSql } from '../access.js';
import { lockRecord, type WriteOptions } from '../lock-record.js';
import { noteUpdate, type TenantScope } from '../tenant-scope.js';
import { updateSql } from './dashboard-statements.js';

/**
 * Transfers a dashboard to another user.
 *
 * @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError
 */
export async function transferOne(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  to: string,
  options: WriteOptions,
): Promise<void> {
  const { differs, version } = await lockRecord(sql, scope, 'dashboard', id, options, (parameters) => [
    `d.owner_id IS DISTINCT FROM ${parameters.add(to)}`,
  ]);
  if (differs) {
    const parameters = new Parameters();
    const assignment = ['owner_id', parameters.add(to)] as const;
    await sql.query(updateSql(scope, id, [assignment], parameters), parameters.values);
    noteUpdate(scope, 'dashboard', id, version + 1);
  }
}

/**
 * Transfers all dashboards of one user to another.
 *
 * @returns how many
 * @throws RecordForbiddenError unless the acting user is an admin or the current owner
 */
export function transferAll(sql: SqlExecutor, scope: TenantScope, from: string, to: string): Promise<number> {
  return updateAll(sql, scope, from, (owner, parameters) => ({
    set: `owner_id = ${parameters.add(to)}`,
    where: `d.owner_id::text = ${owner} AND d.owner_id::text <> ${parameters.add(to)}::text`,
  }));
}

/**
 * Removes a user from all lists of viewers.
 *
 * @returns from how many
 * @throws RecordForbiddenError unless the acting user is an admin or the user to remove
 */
export function removeFromViewers(sql: SqlExecutor, scope: TenantScope, userId: string): Promise<number> {
  return updateAll(sql, scope, userId, (user) => ({
    set: `allowed_viewers = array_remove(d.allowed_viewers, ${user})`,
    where: `${user} = ANY(d.allowed_viewers)`,
  }));
}

/** Updates all dashboards that concern a user. */
async function updateAll(
  sql: SqlExecutor,
  scope: TenantScope,
  userId: string,
  update: (user: string, parameters: Parameters) => { set: string; where: string },
): Promise<number> {
  const { tenant, dashboards } = scope;
  if (!tenant.isAdmin && tenant.userId !== userId) {
    throw new RecordForbiddenError('dashboard', '*', errorContext(tenant));
  }
  const parameters = new Parameters();
  const { set, where } = update(`${parameters.add(userId)}::text`, parameters);
  const touched = await sql.query<{ id: string; version: number }>(
    `UPDATE ${dashboards} d SET ${set}, version = d.version + 1, updated_at = now()
     WHERE ${dashboardInTenantSql(tenant, parameters)} AND ${where} RETURNING d.id, d.version`,
    parameters.values,
  );
  touched.forEach(({ id, version }) => noteUpdate(scope, 'dashboard', id, version));
  return touched.length;
}
