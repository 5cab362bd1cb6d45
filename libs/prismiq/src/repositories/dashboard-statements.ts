import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { dashboardIsChangeable, dashboardIsVisible } from './access.js';
import { notFound } from './lock-record.js';
import type { Dashboard } from './records.js';
import { DASHBOARD_COLUMNS, toDashboard, widgetsOf, type DashboardRow } from './rows.js';
import { isId, type TenantScope } from './tenant-repository.js';

/** The dashboards that the acting user may see, newest change first; with `id`, that one. */
export async function readDashboards(sql: SqlExecutor, scope: TenantScope, id?: string): Promise<Dashboard[]> {
  const parameters = new Parameters();
  const visible = dashboardIsVisible(scope.tenant, parameters);
  const one = id === undefined ? '' : `AND d.id = ${parameters.add(id)}`;
  const rows = await sql.query<DashboardRow>(
    `SELECT ${DASHBOARD_COLUMNS}, ${widgetsOf(scope.widgets)}
     FROM ${scope.dashboards} d WHERE ${visible} ${one} ORDER BY d.updated_at DESC, d.id`,
    parameters.values,
  );
  return rows.map(toDashboard);
}

/** @throws RecordNotFoundError */
export async function readDashboard(sql: SqlExecutor, scope: TenantScope, id: string): Promise<Dashboard> {
  const [dashboard] = isId(id) ? await readDashboards(sql, scope, id) : [];
  if (dashboard === undefined) {
    throw notFound('dashboard', scope.tenant, id);
  }
  return dashboard;
}

/** Applies assignments to a locked dashboard, and raises its version. */
export async function changeDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  assignments: (parameters: Parameters) => string[] = () => [],
): Promise<void> {
  const parameters = new Parameters();
  const set = ['version = d.version + 1', 'updated_at = now()', ...assignments(parameters)].join(', ');
  await sql.query(
    `UPDATE ${scope.dashboards} d SET ${set} WHERE ${dashboardIsChangeable(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}`,
    parameters.values,
  );
}
