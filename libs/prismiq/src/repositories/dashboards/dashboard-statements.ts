import type { z } from 'zod';
import type { updateDashboard } from '../../documents/dashboard.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardIsChangeable, dashboardVisibleSql } from '../access.js';
import { notFound } from '../lock-record.js';
import type { Dashboard } from '../records.js';
import { DASHBOARD_COLUMNS, toDashboard, widgetsOf, type DashboardRow } from '../rows.js';
import { isId, type Change, type TenantScope } from '../tenant-repository.js';

/** The dashboards that the acting user may see, newest change first; with `id`, that one. */
export async function readDashboards(sql: SqlExecutor, scope: TenantScope, id?: string): Promise<Dashboard[]> {
  const parameters = new Parameters();
  const visible = dashboardVisibleSql(scope.tenant, parameters);
  // One row needs no order, and planning one costs a tenth of the statement.
  const rest = id === undefined ? 'ORDER BY d.updated_at DESC, d.id' : `AND d.id = ${parameters.add(id)}`;
  const rows = await sql.query<DashboardRow>(
    `SELECT ${DASHBOARD_COLUMNS}, ${widgetsOf(scope.widgets)}
     FROM ${scope.dashboards} d WHERE ${visible} ${rest}`,
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

type Assignments = (parameters: Parameters) => string[];

/** Applies assignments to a locked dashboard, and raises its version. */
export async function changeDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  assignments: Assignments = () => [],
): Promise<void> {
  const parameters = new Parameters();
  await sql.query(changeOf(scope, id, assignments, parameters), parameters.values);
}

/** As {@link changeDashboard}, and reads what has become of it: the lock was taken before, so that all is as it will be. */
export async function changeAndReadDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  assignments: Assignments,
): Promise<Dashboard> {
  const parameters = new Parameters();
  const [row] = await sql.query<DashboardRow>(
    `${changeOf(scope, id, assignments, parameters)} RETURNING ${DASHBOARD_COLUMNS}, ${widgetsOf(scope.widgets)}`,
    parameters.values,
  );
  return toDashboard(row!);
}

function changeOf(scope: TenantScope, id: string, assignments: Assignments, parameters: Parameters): string {
  const set = ['version = d.version + 1', 'updated_at = now()', ...assignments(parameters)].join(', ');
  const changeable = dashboardIsChangeable(scope.tenant, parameters);
  return `UPDATE ${scope.dashboards} d SET ${set} WHERE ${changeable} AND d.id = ${parameters.add(id)}`;
}

/** The dashboards that the acting user may see, as the source of a page. */
export const listOf = ({ tenant, dashboards }: TenantScope, columns: string) => ({
  from: `${dashboards} d`,
  alias: 'd' as const,
  columns,
  tenant,
  where: (parameters: Parameters) => dashboardVisibleSql(tenant, parameters),
  sort: 'updatedAt' as const,
});

/** The columns that a patch names, each with the placeholder of its value; what is absent stays as it is. */
export function columnsOf(
  patch: Omit<z.output<typeof updateDashboard>, 'widgets'>,
  parameters: Parameters,
): (readonly [column: string, value: string])[] {
  const { name, description, layout, filters, isPublic, allowedViewers } = patch;
  return [
    ...(name === undefined ? [] : [['name', parameters.add(name)] as const]),
    ...(description === undefined ? [] : [['description', parameters.add(description)] as const]),
    ...(layout === undefined ? [] : [['layout', parameters.json(layout)] as const]),
    ...(filters === undefined ? [] : [['filters', parameters.json(filters)] as const]),
    ...(isPublic === undefined ? [] : [['is_public', parameters.add(isPublic)] as const]),
    ...(allowedViewers === undefined ? [] : [['allowed_viewers', parameters.add(allowedViewers)] as const]),
  ];
}

/** How the making of a dashboard is told of. */
export const creationOf = ({ id, version }: Dashboard): Change => ({
  kind: 'dashboard',
  action: 'created',
  id,
  versionAfter: version,
});

/** @param version before the update */
export const updateOf = (id: string, version: number): Change => ({
  kind: 'dashboard',
  action: 'updated',
  id,
  versionBefore: version,
  versionAfter: version + 1,
});
