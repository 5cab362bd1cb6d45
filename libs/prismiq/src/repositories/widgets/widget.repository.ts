import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { assertSize, assertWidgetCount, type Limits } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import {
  createWidget,
  mergedWidget,
  updateWidget,
  type CreateWidget,
  type UpdateWidget,
  type WidgetPosition,
} from '../../documents/widget.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardIsInTenant, dashboardVisibleSql } from '../access.js';
import { changeDashboard, readDashboard } from '../dashboards/dashboard-statements.js';
import { lockDashboard, notFound, type WriteOptions } from '../lock-record.js';
import type { Widget, VersionedWidget } from '../records.js';
import { toWidget, WIDGET_COLUMNS, type WidgetRow } from '../rows.js';
import { isId, TenantRepository, type Change, type TenantScope } from '../tenant-repository.js';

/**
 * The widgets of the dashboards of the tenant in context. A widget is reached through its dashboard, always: who may see and
 * change the dashboard may see and change the widget, and an id of another dashboard's widget is not found. Each change raises
 * the dashboard's version.
 *
 * Errors and transactions are as in {@link DashboardRepository}.
 *
 * @publicApi
 */
@Injectable()
export class WidgetRepository extends TenantRepository {
  /** @throws RecordNotFoundError, RecordForbiddenError (of the dashboard), InvalidDocumentError, DocumentTooLargeError,
   *   StaleVersionError */
  async create(dashboardId: string, input: CreateWidget, options: WriteOptions = {}): Promise<VersionedWidget> {
    return this.forTenant(async (scope) => {
      const widget = parseDocument(createWidget, input);
      assertSize(widget, this.limits);
      return this.database.transaction(async (sql) => {
        const { version } = await lockDashboard(sql, scope, dashboardId, options);
        return addWidget(sql, scope, dashboardId, version, this.limits, widget);
      });
    });
  }

  /**
   * Puts a copy beside a widget, or below it where the grid ends.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, DocumentTooLargeError, StaleVersionError
   */
  async duplicate(dashboardId: string, id: string, options: WriteOptions = {}): Promise<VersionedWidget> {
    return this.forTenant((scope) =>
      this.database.transaction(async (sql) => {
        const { version } = await lockDashboard(sql, scope, dashboardId, options);
        const { layout, widgets } = await readDashboard(sql, scope, dashboardId);
        const original = widgets.find((widget) => widget.id === id.toLowerCase());
        if (original === undefined) {
          throw notFound('widget', scope.tenant, id);
        }
        const title = [...original.title].slice(0, MAX_TITLE - COPY.length).join('') + COPY;
        const position = placeBeside(original, layout.columns);
        return addWidget(sql, scope, dashboardId, version, this.limits, { ...original, title, position });
      }),
    );
  }

  /** @throws RecordNotFoundError */
  async get(dashboardId: string, id: string): Promise<Widget> {
    return this.forTenant((scope) => readWidget(this.database, scope, dashboardId, id));
  }

  /**
   * From top to bottom, then from left to right.
   *
   * @throws RecordNotFoundError (of the dashboard)
   */
  async list(dashboardId: string): Promise<Widget[]> {
    return this.forTenant(async (scope) => (await readDashboard(this.database, scope, dashboardId)).widgets);
  }

  /**
   * Changes what `patch` names; `query: null` clears, `position` and `config` replace the whole document. A patch that changes
   * nothing leaves the version as it is.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, StaleVersionError
   */
  async update(
    dashboardId: string,
    id: string,
    patch: UpdateWidget,
    options: WriteOptions = {},
  ): Promise<VersionedWidget> {
    return this.forTenant(async (scope) => {
      const columns = parseDocument(updateWidget, patch);
      assertSize(columns, this.limits);
      return this.database.transaction(async (sql) => {
        const { version } = await lockDashboard(sql, scope, dashboardId, options);
        const stored = await readWidget(sql, scope, dashboardId, id);
        checkMerged(stored, columns);
        const changed = await changeWidget(sql, scope, dashboardId, id, columns);
        if (changed === undefined) {
          return { ...stored, dashboardVersion: version };
        }
        await changeDashboard(sql, scope, dashboardId);
        scope.changed(changeOf('updated', dashboardId, id, version));
        return { ...changed, dashboardVersion: version + 1 };
      });
    });
  }

  /** @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError */
  async delete(dashboardId: string, id: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant((scope) =>
      this.database.transaction(async (sql) => {
        const { version } = await lockDashboard(sql, scope, dashboardId, options);
        await readWidget(sql, scope, dashboardId, id);
        const parameters = new Parameters();
        await sql.query(
          `DELETE FROM ${scope.widgets} w USING ${scope.dashboards} d
           WHERE ${dashboardIsInTenant(scope.tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}
             AND w.dashboard_id = d.id AND w.id = ${parameters.add(id)}`,
          parameters.values,
        );
        await changeDashboard(sql, scope, dashboardId);
        scope.changed(changeOf('deleted', dashboardId, id, version));
      }),
    );
  }
}

const COPY = ' (Copy)';
const MAX_TITLE = 255;

/** One column to the right or, where that would leave the grid, directly below. */
function placeBeside({ position, invalid }: Widget, columns: number): WidgetPosition {
  if (invalid?.includes('position')) {
    return position;
  }
  const { x, y, w, h } = position;
  return x + 1 + w <= columns ? { ...position, x: x + 1 } : { ...position, y: y + h };
}

/** Adds a widget to a locked dashboard. */
async function addWidget(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  version: number,
  limits: Limits,
  widget: Pick<Widget, 'type' | 'title' | 'position' | 'config'> & { query?: Widget['query'] | undefined },
): Promise<VersionedWidget> {
  assertWidgetCount((await countWidgets(sql, scope, dashboardId)) + 1, limits);
  const parameters = new Parameters();
  const values = [
    parameters.add(widget.type),
    parameters.add(widget.title),
    parameters.json(widget.query),
    parameters.json(widget.position),
    parameters.json(widget.config),
  ];
  const [row] = await sql.query<WidgetRow>(
    `INSERT INTO ${scope.widgets} AS w (dashboard_id, type, title, query, position, config)
     SELECT d.id, ${values.join(', ')} FROM ${scope.dashboards} d
     WHERE ${dashboardIsInTenant(scope.tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}
     RETURNING ${WIDGET_COLUMNS}`,
    parameters.values,
  );
  await changeDashboard(sql, scope, dashboardId);
  scope.changed(changeOf('created', dashboardId, row!.id, version));
  return { ...toWidget(row!), dashboardVersion: version + 1 };
}

/** @param version of the dashboard, before the change */
const changeOf = (action: Change['action'], dashboardId: string, id: string, version: number): Change => ({
  kind: 'widget',
  action,
  id,
  dashboardId,
  versionBefore: version,
  versionAfter: version + 1,
});

async function countWidgets(sql: SqlExecutor, scope: TenantScope, dashboardId: string): Promise<number> {
  const parameters = new Parameters();
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*)::int FROM ${scope.widgets} w JOIN ${scope.dashboards} d ON d.id = w.dashboard_id
     WHERE ${dashboardIsInTenant(scope.tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}`,
    parameters.values,
  );
  return row!.count;
}

type Columns = z.output<typeof updateWidget>;

/** The widget as it will be has one source of rows. What a patch does not touch, it need not repair. */
function checkMerged(stored: Widget, { query, config }: Columns): void {
  if (query !== undefined || config !== undefined) {
    parseDocument(mergedWidget, {
      query: query === undefined ? stored.query : query,
      config: config ?? stored.config,
    });
  }
}

/** @returns the changed widget; nothing where it is as the patch wants it already */
async function changeWidget(
  sql: SqlExecutor,
  { tenant, dashboards, widgets }: TenantScope,
  dashboardId: string,
  id: string,
  { title, query, position, config }: Columns,
): Promise<Widget | undefined> {
  const parameters = new Parameters();
  const columns = [
    ...(title === undefined ? [] : [['title', parameters.add(title)]]),
    ...(query === undefined ? [] : [['query', parameters.json(query)]]),
    ...(position === undefined ? [] : [['position', parameters.json(position)]]),
    ...(config === undefined ? [] : [['config', parameters.json(config)]]),
  ];
  const differs = ['false', ...columns.map(([column, value]) => `w.${column} IS DISTINCT FROM ${value}`)];
  const [row] = await sql.query<WidgetRow>(
    `UPDATE ${widgets} w SET ${[...columns.map((column) => column.join(' = ')), 'updated_at = now()'].join(', ')}
     FROM ${dashboards} d
     WHERE ${dashboardIsInTenant(tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}
       AND w.dashboard_id = d.id AND w.id = ${parameters.add(id)} AND (${differs.join(' OR ')})
     RETURNING ${WIDGET_COLUMNS}`,
    parameters.values,
  );
  return row === undefined ? undefined : toWidget(row);
}

async function readWidget(sql: SqlExecutor, scope: TenantScope, dashboardId: string, id: string): Promise<Widget> {
  const parameters = new Parameters();
  const [row] =
    isId(dashboardId) && isId(id)
      ? await sql.query<WidgetRow>(
          `SELECT ${WIDGET_COLUMNS} FROM ${scope.widgets} w JOIN ${scope.dashboards} d ON d.id = w.dashboard_id
           WHERE ${dashboardVisibleSql(scope.tenant, parameters)}
             AND d.id = ${parameters.add(dashboardId)} AND w.id = ${parameters.add(id)}`,
          parameters.values,
        )
      : [];
  if (row === undefined) {
    throw notFound('widget', scope.tenant, id);
  }
  return toWidget(row);
}
