import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { getSqlState } from '../../sql/sql-state.js';
import { dashboardChangeableSql } from '../access.js';
import { differences } from '../assignments.js';
import { recordColumnOrFail, type JsonRow } from '../json-rows.js';
import type { WriteOptions } from '../lock-record.js';
import type { Dashboard } from '../records.js';
import { isId, noteUpdate, type TenantScope } from '../tenant-scope.js';
import { dashboardColumns } from './dashboard-rows.js';
import { dashboardAssignments, parseDashboard, type DashboardPatch } from './dashboard-statements.js';

/**
 * The dashboard would become too large (see {@link recordColumnOrFail}); or the session's defaults, which a transaction of ours does
 * not have, are in the way: a strict isolation and a concurrent change, or read only.
 */
const NEEDS_TRANSACTION = new Set(['22P02', '40001', '25006']);

/**
 * Changes columns of a dashboard in one statement, which is a transaction by itself: three round trips less than to lock, write
 * and commit, most of the cost of such a write.
 *
 * It never waits: a row that is locked is skipped, and one that was changed since the statement began is no longer at its place
 * (`ctid`). So the widgets that it returns are those of the version that it returns. A name may have to wait for another
 * transaction that uses it, and takes the long way.
 *
 * @returns `undefined` if nothing was written, for any reason: the transaction that follows finds out why
 */
export async function updateInOneStatement(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  patch: DashboardPatch,
  { version }: WriteOptions,
): Promise<Dashboard | undefined> {
  const parameters = new Parameters();
  const assignments = dashboardAssignments(patch, parameters);
  if (assignments.length === 0 || patch.name !== undefined || !isId(id)) {
    return undefined;
  }
  const isExpected = version === undefined ? 'true' : `d.version = ANY(${parameters.add([version].flat())}::float8[])`;
  const statement = `UPDATE ${scope.dashboards} d
    SET version = d.version + 1, updated_at = now(), ${assignments.map((column) => column.join(' = ')).join(', ')}
    WHERE d.ctid = (
      SELECT d.ctid FROM ${scope.dashboards} d
      WHERE ${dashboardChangeableSql(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}
        AND (${differences('d', assignments).join(' OR ')}) AND ${isExpected}
      FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING ${recordColumnOrFail(dashboardColumns(scope), scope)}`;
  try {
    const [row] = await sql.query<JsonRow>(statement, parameters.values);
    if (row === undefined) {
      return undefined;
    }
    const dashboard = parseDashboard(row, scope);
    noteUpdate(scope, 'dashboard', id, dashboard.version);
    return dashboard;
  } catch (error) {
    if (NEEDS_TRANSACTION.has(getSqlState(error) ?? '')) {
      return undefined;
    }
    throw error;
  }
}
