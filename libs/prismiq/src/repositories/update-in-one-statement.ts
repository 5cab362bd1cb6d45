import type { z } from 'zod';
import type { updateDashboard } from '../documents/dashboard.documents.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { isSerializationFailure } from '../sql/translate-error.js';
import { dashboardIsChangeable } from './access.js';
import { columnsOf, readDashboard, updateOf } from './dashboards/dashboard-statements.js';
import type { WriteOptions } from './lock-record.js';
import { withNameCheck } from './name-taken.js';
import type { Dashboard } from './records.js';
import { DASHBOARD_COLUMNS, toDashboard, widgetsOf, type DashboardRow } from './rows.js';
import { isId, type TenantScope } from './tenant-repository.js';

type Columns = Omit<z.output<typeof updateDashboard>, 'widgets'>;

/**
 * Changes columns of a dashboard in one statement, which is a transaction by itself: three round trips less than to lock, write and
 * commit, which is most of what such a write costs.
 *
 * Where the statement had to wait for somebody else's change, it applies its own to what that has left behind; but the widgets are as
 * they were when the statement began. The version, read beside them, tells: the dashboard is read again then.
 *
 * @returns nothing where nothing was written: there is nothing to change, or a reason not to, which is for the caller to find out
 * @throws NameTakenError
 */
export async function updateInOneStatement(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  columns: Columns,
  { version }: WriteOptions,
): Promise<Dashboard | undefined> {
  const parameters = new Parameters();
  const values = columnsOf(columns, parameters);
  if (values.length === 0 || !isId(id)) {
    return undefined;
  }
  const differs = values.map(([column, value]) => `d.${column} IS DISTINCT FROM ${value}`).join(' OR ');
  const isExpected = version === undefined ? 'true' : `d.version = ANY(${parameters.add([version].flat())}::float8[])`;
  const statement = `UPDATE ${scope.dashboards} d
    SET version = d.version + 1, updated_at = now(), ${values.map((column) => column.join(' = ')).join(', ')}
    WHERE ${dashboardIsChangeable(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}
      AND (${differs}) AND ${isExpected}
    RETURNING ${DASHBOARD_COLUMNS}, ${widgetsOf(scope.widgets)},
      (SELECT s.version FROM ${scope.dashboards} s WHERE s.id = d.id) AS seen`;
  const [row] = await withNameCheck('dashboard', scope.tenant, columns.name, () =>
    sql.query<DashboardRow & { seen: number }>(statement, parameters.values),
  ).catch((error: unknown) => {
    // The database's default isolation is stricter, and somebody else was quicker.
    if (isSerializationFailure(error)) {
      return [];
    }
    throw error;
  });
  if (row === undefined) {
    return undefined;
  }
  const { seen, ...changed } = row;
  scope.changed(updateOf(id, changed.version - 1));
  return seen === changed.version - 1 ? toDashboard(changed) : readDashboard(sql, scope, id);
}
