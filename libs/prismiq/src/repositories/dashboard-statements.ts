import { RecordForbiddenError, RecordNotFoundError } from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { dashboardIsChangeable, dashboardIsVisible } from './access.js';
import type { Dashboard } from './records.js';
import { DASHBOARD_COLUMNS, toDashboard, widgetsOf, type DashboardRow } from './rows.js';
import { isId, type Scope } from './tenant-repository.js';

/** The dashboards that the acting user may see, newest change first; with `id`, that one. */
export async function readDashboards(sql: SqlExecutor, scope: Scope, id?: string): Promise<Dashboard[]> {
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
export async function readDashboard(sql: SqlExecutor, scope: Scope, id: string): Promise<Dashboard> {
  const [dashboard] = isId(id) ? await readDashboards(sql, scope, id) : [];
  if (dashboard === undefined) {
    throw notFound(scope, id);
  }
  return dashboard;
}

/**
 * Applies assignments to a dashboard that the acting user may change, raises its version, and so locks its row: whoever changes
 * the dashboard or one of its widgets passes through here, one after the other.
 *
 * @param assignments makes `column = $n` from the statement's parameters
 * @throws RecordNotFoundError, RecordForbiddenError
 */
export async function changeDashboard(
  sql: SqlExecutor,
  scope: Scope,
  id: string,
  assignments: (parameters: Parameters) => string[] = () => [],
): Promise<void> {
  const parameters = new Parameters();
  const set = ['version = d.version + 1', 'updated_at = now()', ...assignments(parameters)].join(', ');
  const target = isId(id)
    ? `d.id = ${parameters.add(id)} AND ${dashboardIsChangeable(scope.tenant, parameters)}`
    : 'false';
  const changed = await sql.query(
    `UPDATE ${scope.dashboards} d SET ${set} WHERE ${target} RETURNING d.id`,
    parameters.values,
  );
  if (changed.length === 0) {
    throw await refusal(sql, scope, id);
  }
}

/** Why a dashboard could not be changed. */
export async function refusal(sql: SqlExecutor, scope: Scope, id: string): Promise<Error> {
  const parameters = new Parameters();
  const visible = dashboardIsVisible(scope.tenant, parameters);
  const seen = isId(id)
    ? await sql.query(
        `SELECT 1 FROM ${scope.dashboards} d WHERE ${visible} AND d.id = ${parameters.add(id)}`,
        parameters.values,
      )
    : [];
  const { tenantId, schema } = scope.tenant;
  return seen.length > 0 ? new RecordForbiddenError('dashboard', id, { tenantId, schema }) : notFound(scope, id);
}

function notFound({ tenant: { tenantId, schema } }: Scope, id: string): RecordNotFoundError {
  return new RecordNotFoundError('dashboard', id, { tenantId, schema });
}
