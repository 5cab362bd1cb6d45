import type { z } from 'zod';
import type { createDashboard, updateDashboard } from '../../documents/dashboard.documents.js';
import { assertDashboardBytes } from '../../documents/limits.js';
import { NameTakenError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { errorContext } from '../../tenancy/tenant.js';
import { dashboardChangeableSql, dashboardInTenantSql, dashboardVisibleSql } from '../access.js';
import { toAssignments, type Assignment } from '../assignments.js';
import { parseRow, recordBytes, recordColumn, type JsonRow } from '../json-rows.js';
import type { ListSource } from '../lists/read-list.js';
import { lockRecord, notFoundError, type WriteOptions } from '../lock-record.js';
import type { Dashboard } from '../records.js';
import { isId, noteChange, type TenantScope } from '../tenant-scope.js';
import {
  dashboardColumns,
  storedBytes,
  summaryColumns,
  toDashboard,
  type DashboardRow,
  type DashboardSummaryRow,
} from './dashboard-rows.js';
import { replaceWidgets } from './dashboard-widgets.js';

/** The dashboards that the acting user may see, as the source of a list. */
export const dashboardList = (scope: TenantScope): ListSource<DashboardRow> => ({
  what: 'dashboards',
  table: scope.dashboards,
  alias: 'd',
  columns: dashboardColumns(scope),
  storedBytes: storedBytes(scope),
  where: (parameters) => dashboardVisibleSql(scope.tenant, parameters),
  sort: 'updatedAt',
});

/** As {@link dashboardList}, without the documents. */
export const summaryList = (scope: TenantScope): ListSource<DashboardSummaryRow> => ({
  ...dashboardList(scope),
  columns: summaryColumns(scope),
  storedBytes: undefined,
});

/** @throws RecordNotFoundError, ResultTooLargeError */
export const readDashboard = (sql: SqlExecutor, scope: TenantScope, id: string): Promise<Dashboard> =>
  selectDashboard(sql, scope, id, dashboardVisibleSql);

/**
 * Reads a dashboard that this call has made. Its maker may not be able to see it: without a user, a dashboard that is not public
 * belongs to nobody.
 *
 * @throws DocumentTooLargeError, ResultTooLargeError
 */
export const readOwnDashboard = (sql: SqlExecutor, scope: TenantScope, id: string): Promise<Dashboard> =>
  selectDashboard(sql, scope, id, dashboardInTenantSql, true);

async function selectDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  rule: typeof dashboardVisibleSql,
  isNew = false,
): Promise<Dashboard> {
  const parameters = new Parameters();
  const [row] = isId(id)
    ? await sql.query<JsonRow>(
        `SELECT ${recordColumn(dashboardColumns(scope), scope)} FROM ${scope.dashboards} d
         WHERE ${rule(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}`,
        parameters.values,
      )
    : [];
  if (row === undefined) {
    throw notFoundError('dashboard', scope, id);
  }
  return parseDashboard(row, scope, isNew);
}

/** @param isWritten whether the size of the dashboard has to be within the limit */
export function parseDashboard(row: JsonRow, scope: TenantScope, isWritten = false): Dashboard {
  if (isWritten) {
    assertDashboardBytes(recordBytes(row), scope.limits);
  }
  return toDashboard(parseRow(row, dashboardColumns(scope), 'the dashboard', scope));
}

/**
 * Inserts a dashboard with its widgets, owned by the acting user. A name in use ends no transaction: nothing is inserted then.
 *
 * @throws NameTakenError, DocumentTooLargeError
 */
export async function insertDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  { widgets = [], ...dashboard }: z.output<typeof createDashboard>,
): Promise<Dashboard> {
  const { tenantId, userId = null } = scope.tenant;
  const parameters = new Parameters();
  const values = [
    parameters.add(tenantId),
    parameters.add(dashboard.name),
    parameters.add(dashboard.description ?? null),
    parameters.json(dashboard.layout),
    parameters.json(dashboard.filters ?? []),
    parameters.add(userId),
    parameters.add(dashboard.isPublic ?? false),
    parameters.add(dashboard.allowedViewers ?? []),
  ];
  const [row] = await sql.query<JsonRow & { id: string }>(
    `INSERT INTO ${scope.dashboards} AS d
       (tenant_id, name, description, layout, filters, owner_id, is_public, allowed_viewers)
     VALUES (${values.join(', ')}) ON CONFLICT (tenant_id, name) DO NOTHING
     RETURNING d.id, ${recordColumn(dashboardColumns(scope), scope)}`,
    parameters.values,
  );
  if (row === undefined) {
    throw new NameTakenError('dashboard', dashboard.name, errorContext(scope.tenant));
  }
  if (widgets.length === 0) {
    return parseDashboard(row, scope, true);
  }
  await replaceWidgets(sql, scope, row.id, widgets);
  return readOwnDashboard(sql, scope, row.id);
}

export const noteCreation = (scope: TenantScope, { id, version }: Dashboard): void =>
  noteChange(scope, { kind: 'dashboard', action: 'created', id, versionAfter: version });

/** An UPDATE of a locked dashboard, which raises its version. */
export function updateSql(
  scope: TenantScope,
  id: string,
  assignments: readonly Assignment[],
  parameters: Parameters,
): string {
  const set = ['version = d.version + 1', 'updated_at = now()', ...assignments.map((column) => column.join(' = '))];
  return `UPDATE ${scope.dashboards} d SET ${set.join(', ')}
    WHERE ${dashboardChangeableSql(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}`;
}

/**
 * Applies a patch to a locked dashboard, and reads it.
 *
 * @param mayGrow whether the size of the dashboard has to be within the limit
 * @throws DocumentTooLargeError, ResultTooLargeError
 */
export async function changeDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  patch: DashboardPatch,
  mayGrow: boolean,
): Promise<Dashboard> {
  const parameters = new Parameters();
  const [row] = await sql.query<JsonRow>(
    `${updateSql(scope, id, dashboardAssignments(patch, parameters), parameters)}
     RETURNING ${recordColumn(dashboardColumns(scope), scope)}`,
    parameters.values,
  );
  return parseDashboard(row!, scope, mayGrow);
}

/** @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError */
export async function deleteDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  options: WriteOptions,
): Promise<void> {
  const { version } = await lockRecord(sql, scope, 'dashboard', id, options);
  const parameters = new Parameters();
  await sql.query(
    `DELETE FROM ${scope.dashboards} d
     WHERE ${dashboardChangeableSql(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}`,
    parameters.values,
  );
  noteChange(scope, { kind: 'dashboard', action: 'deleted', id, versionBefore: version });
}

/** A patch of a dashboard's own columns. */
export type DashboardPatch = Partial<Omit<z.output<typeof updateDashboard>, 'widgets'>>;

const COLUMNS = {
  name: 'name',
  description: 'description',
  layout: 'layout',
  filters: 'filters',
  isPublic: 'is_public',
  allowedViewers: 'allowed_viewers',
} satisfies Record<keyof DashboardPatch, string>;

export const dashboardAssignments = (patch: DashboardPatch, parameters: Parameters): Assignment[] =>
  toAssignments(patch, COLUMNS, ['layout', 'filters'], parameters);
