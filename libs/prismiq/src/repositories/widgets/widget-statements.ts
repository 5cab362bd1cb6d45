import type { z } from 'zod';
import { assertDashboardBytes, assertWidgetCount } from '../../documents/limits.js';
import type { updateWidget } from '../../documents/widget.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardInTenantSql, dashboardVisibleSql } from '../access.js';
import { toAssignments, differences } from '../assignments.js';
import { dashboardColumns } from '../dashboards/dashboard-rows.js';
import { updateSql } from '../dashboards/dashboard-statements.js';
import { toWidget, WIDGET_COLUMNS } from '../dashboards/widget-rows.js';
import { jsonArray, parseRow, recordColumn, type JsonRow } from '../json-rows.js';
import { notFoundError } from '../lock-record.js';
import type { Widget } from '../records.js';
import { isId, type TenantScope } from '../tenant-scope.js';

const parseWidget = (row: JsonRow, scope: TenantScope): Widget =>
  toWidget(parseRow(row, WIDGET_COLUMNS, 'the widget', scope));

/** @throws RecordNotFoundError, ResultTooLargeError */
export async function readWidget(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  id: string,
): Promise<Widget> {
  const parameters = new Parameters();
  const [row] =
    isId(dashboardId) && isId(id)
      ? await sql.query<JsonRow>(
          `SELECT ${recordColumn(WIDGET_COLUMNS, scope)} FROM ${scope.widgets} w JOIN ${scope.dashboards} d ON d.id = w.dashboard_id
           WHERE ${dashboardVisibleSql(scope.tenant, parameters)}
             AND d.id = ${parameters.add(dashboardId)} AND w.id = ${parameters.add(id)}`,
          parameters.values,
        )
      : [];
  if (row === undefined) {
    throw notFoundError('widget', scope, id);
  }
  return parseWidget(row, scope);
}

/** Space that does not count at the ends of an SQL text. */
const SPACE = String.raw`E' \t\n\r\f'`;

/** Whether a text is the SQL of a widget that the acting user may see. */
export async function findSql(executor: SqlExecutor, scope: TenantScope, text: string): Promise<boolean> {
  const parameters = new Parameters();
  const normalize = (sql: string): string => String.raw`btrim(replace(${sql}, E'\r\n', E'\n'), ${SPACE})`;
  const rows = text.includes('\0')
    ? []
    : await executor.query(
        `SELECT 1 FROM ${scope.widgets} w JOIN ${scope.dashboards} d ON d.id = w.dashboard_id
         WHERE ${dashboardVisibleSql(scope.tenant, parameters)}
           AND ${normalize(`w.config ->> 'raw_sql'`)} = ${normalize(`${parameters.add(text)}::text`)} LIMIT 1`,
        parameters.values,
      );
  return rows.length > 0;
}

/** A widget without what the database adds to it. */
export type NewWidget = Pick<Widget, 'type' | 'title' | 'position' | 'config'> & {
  query?: Widget['query'] | undefined;
};

/** Inserts a widget into a locked dashboard. */
export async function insertWidget(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  widget: NewWidget,
): Promise<Widget> {
  const parameters = new Parameters();
  const values = [
    parameters.add(widget.type),
    parameters.add(widget.title),
    parameters.json(widget.query),
    parameters.json(widget.position),
    parameters.json(widget.config),
  ];
  const [row] = await sql.query<JsonRow>(
    `INSERT INTO ${scope.widgets} AS w (dashboard_id, type, title, query, position, config)
     SELECT d.id, ${values.join(', ')} FROM ${scope.dashboards} d
     WHERE ${dashboardInTenantSql(scope.tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}
     RETURNING ${recordColumn(WIDGET_COLUMNS, scope)}`,
    parameters.values,
  );
  return parseWidget(row!, scope);
}

export type WidgetPatch = z.output<typeof updateWidget>;

const COLUMNS = {
  title: 'title',
  query: 'query',
  position: 'position',
  config: 'config',
} satisfies Record<keyof WidgetPatch, string>;

/** @returns the changed widget; `undefined` if the patch changes nothing */
export async function changeWidget(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  id: string,
  patch: WidgetPatch,
): Promise<Widget | undefined> {
  const parameters = new Parameters();
  const assignments = toAssignments(patch, COLUMNS, ['query', 'position', 'config'], parameters);
  const [row] = await sql.query<JsonRow>(
    `UPDATE ${scope.widgets} w SET ${[...assignments.map((column) => column.join(' = ')), 'updated_at = now()'].join(', ')}
     FROM ${scope.dashboards} d
     WHERE ${dashboardInTenantSql(scope.tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}
       AND w.dashboard_id = d.id AND w.id = ${parameters.add(id)}
       AND (${['false', ...differences('w', assignments)].join(' OR ')})
     RETURNING ${recordColumn(WIDGET_COLUMNS, scope)}`,
    parameters.values,
  );
  return row && parseWidget(row, scope);
}

/** @throws RecordNotFoundError */
export async function deleteWidget(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  id: string,
): Promise<void> {
  const parameters = new Parameters();
  const deleted = isId(id)
    ? await sql.query(
        `DELETE FROM ${scope.widgets} w USING ${scope.dashboards} d
         WHERE ${dashboardInTenantSql(scope.tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}
           AND w.dashboard_id = d.id AND w.id = ${parameters.add(id)} RETURNING w.id`,
        parameters.values,
      )
    : [];
  if (deleted.length === 0) {
    throw notFoundError('widget', scope, id);
  }
}

/**
 * Raises the version of a locked dashboard whose widgets have changed.
 *
 * @param hasGrown whether the dashboard must now be checked against the limits
 * @throws DocumentTooLargeError
 */
export async function raiseVersion(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  hasGrown: boolean,
): Promise<void> {
  const parameters = new Parameters();
  const update = updateSql(scope, dashboardId, [], parameters);
  if (!hasGrown) {
    await sql.query(update, parameters.values);
    return;
  }
  const [row] = await sql.query<{ count: number; bytes: number }>(
    `${update} RETURNING octet_length(${jsonArray(dashboardColumns(scope))}::text) AS bytes,
       (SELECT count(*)::int FROM ${scope.widgets} w WHERE w.dashboard_id = d.id) AS count`,
    parameters.values,
  );
  assertWidgetCount(row!.count, scope.limits);
  assertDashboardBytes(row!.bytes, scope.limits);
}
