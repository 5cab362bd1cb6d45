import type { z } from 'zod';
import type { updateDashboard } from '../documents/dashboard.documents.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { isSerializationFailure } from '../sql/translate-error.js';
import { dashboardIsChangeable, dashboardIsInTenant, dashboardIsVisible } from './access.js';
import { columnsOf, readDashboard, updateOf } from './dashboard-statements.js';
import { assertWritable, notFound, type WriteOptions } from './lock-record.js';
import { withNameCheck } from './name-taken.js';
import type { Dashboard } from './records.js';
import { DASHBOARD_COLUMNS, toDashboard, widgetsOf, type DashboardRow } from './rows.js';
import { isId, type TenantScope } from './tenant-repository.js';

type Row = DashboardRow & {
  before: { version: number; changeable: boolean; differs: boolean; isSeen: boolean } | undefined;
};

/**
 * Changes columns of a dashboard in one statement, which is a transaction by itself: locks, checks, writes and reads. Four round
 * trips less than one after the other, which is most of what such a write costs.
 *
 * What is locked is the row as its last holder has left it. What else the statement reads is as it was when the statement began: if
 * the lock had to be waited for, older, which the version tells, and the dashboard is read again.
 *
 * @returns nothing where the database's default isolation is stricter, and somebody else was quicker: nothing was written then
 * @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError, NameTakenError
 */
export async function updateAtOnce(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  columns: Omit<z.output<typeof updateDashboard>, 'widgets'>,
  { version }: WriteOptions,
): Promise<Dashboard | undefined> {
  if (!isId(id)) {
    throw notFound('dashboard', scope.tenant, id);
  }
  let row: Row | undefined;
  try {
    row = await withNameCheck('dashboard', scope.tenant, columns.name, () => send(sql, scope, id, columns, version));
  } catch (error) {
    if (isSerializationFailure(error)) {
      return undefined;
    }
    throw error;
  }
  const { before: found, ...changed } = row ?? {};
  const before = assertWritable('dashboard', scope.tenant, id, found, version);
  if (before.differs) {
    scope.changed(updateOf(id, before.version));
  }
  return before.differs && before.isSeen ? toDashboard(changed as DashboardRow) : readDashboard(sql, scope, id);
}

async function send(
  sql: SqlExecutor,
  { tenant, dashboards, widgets }: TenantScope,
  id: string,
  columns: Omit<z.output<typeof updateDashboard>, 'widgets'>,
  version: WriteOptions['version'],
): Promise<Row | undefined> {
  const parameters = new Parameters();
  const values = columnsOf(columns, parameters);
  const differs = ['false', ...values.map(([column, value]) => `d.${column} IS DISTINCT FROM ${value}`)].join(' OR ');
  const set = ['version = d.version + 1', 'updated_at = now()', ...values.map((column) => column.join(' = '))].join(
    ', ',
  );
  const isExpected = version === undefined ? 'true' : `l.version = ANY(${parameters.add([version].flat())}::float8[])`;
  const [row] = await sql.query<Row>(
    `WITH locked AS (
       SELECT d.id, d.version, ${dashboardIsChangeable(tenant, parameters)} AS changeable, ${differs} AS differs
       FROM ${dashboards} d WHERE ${dashboardIsVisible(tenant, parameters)} AND d.id = ${parameters.add(id)}
       FOR NO KEY UPDATE),
     changed AS (
       UPDATE ${dashboards} d SET ${set} FROM locked l
       WHERE ${dashboardIsInTenant(tenant, parameters)} AND d.id = l.id AND l.changeable AND l.differs AND ${isExpected}
       RETURNING ${DASHBOARD_COLUMNS})
     SELECT json_build_object('version', l.version, 'changeable', l.changeable, 'differs', l.differs,
         'isSeen', d.version = l.version) AS before,
       c.*, ${widgetsOf(widgets)}
     FROM locked l JOIN ${dashboards} d ON d.id = l.id LEFT JOIN changed c ON c.id = l.id
     WHERE ${dashboardIsInTenant(tenant, parameters)}`,
    parameters.values,
  );
  return row;
}
