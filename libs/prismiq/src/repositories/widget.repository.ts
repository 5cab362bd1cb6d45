import { Injectable } from '@nestjs/common';
import { parseDocument } from '../documents/parse-document.js';
import {
  createWidget,
  mergedWidget,
  updateWidget,
  type CreateWidget,
  type UpdateWidget,
} from '../documents/widget.documents.js';
import { RecordNotFoundError } from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { changeDashboard, readDashboard } from './dashboard-statements.js';
import { dashboardIsVisible } from './access.js';
import type { Widget } from './records.js';
import { toWidget, WIDGET_COLUMNS, type WidgetRow } from './rows.js';
import { isId, TenantRepository, type Scope } from './tenant-repository.js';

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
  /** @throws RecordNotFoundError, RecordForbiddenError (of the dashboard), InvalidDocumentError */
  async create(dashboardId: string, input: CreateWidget): Promise<Widget> {
    return this.forTenant(async (scope) => {
      const widget = parseDocument(createWidget, input);
      return this.database.transaction(async (sql) => {
        await changeDashboard(sql, scope, dashboardId);
        const parameters = new Parameters();
        const values = [
          parameters.add(dashboardId),
          parameters.add(widget.type),
          parameters.add(widget.title),
          parameters.json(widget.query),
          parameters.json(widget.position),
          parameters.json(widget.config),
        ];
        const [row] = await sql.query<WidgetRow>(
          `INSERT INTO ${scope.widgets} AS w (dashboard_id, type, title, query, position, config)
           VALUES (${values.join(', ')}) RETURNING ${WIDGET_COLUMNS}`,
          parameters.values,
        );
        return toWidget(row!);
      });
    });
  }

  /** @throws RecordNotFoundError */
  async get(dashboardId: string, id: string): Promise<Widget> {
    return this.forTenant((scope) => read(this.database, scope, dashboardId, id));
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
   * Changes what `patch` names; `query: null` clears, `position` and `config` replace the whole document.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError
   */
  async update(dashboardId: string, id: string, patch: UpdateWidget): Promise<Widget> {
    return this.forTenant(async (scope) => {
      const { title, query, position, config } = parseDocument(updateWidget, patch);
      return this.database.transaction(async (sql) => {
        await changeDashboard(sql, scope, dashboardId);
        const stored = await read(sql, scope, dashboardId, id);
        if (query !== undefined || config !== undefined) {
          parseDocument(mergedWidget, {
            query: query === undefined ? stored.query : query,
            config: config ?? stored.config,
          });
        }
        const parameters = new Parameters();
        const assignments = [
          'updated_at = now()',
          title === undefined ? [] : `title = ${parameters.add(title)}`,
          query === undefined ? [] : `query = ${parameters.json(query)}`,
          position === undefined ? [] : `position = ${parameters.json(position)}`,
          config === undefined ? [] : `config = ${parameters.json(config)}`,
        ].flat();
        const [row] = await sql.query<WidgetRow>(
          `UPDATE ${scope.widgets} w SET ${assignments.join(', ')}
           WHERE w.id = ${parameters.add(id)} AND w.dashboard_id = ${parameters.add(dashboardId)} RETURNING ${WIDGET_COLUMNS}`,
          parameters.values,
        );
        return toWidget(row!);
      });
    });
  }

  /** @throws RecordNotFoundError, RecordForbiddenError */
  async delete(dashboardId: string, id: string): Promise<void> {
    return this.forTenant((scope) =>
      this.database.transaction(async (sql) => {
        await changeDashboard(sql, scope, dashboardId);
        const deleted = isId(id)
          ? await sql.query(`DELETE FROM ${scope.widgets} WHERE id = $1 AND dashboard_id = $2 RETURNING id`, [
              id,
              dashboardId,
            ])
          : [];
        if (deleted.length === 0) {
          throw notFound(scope, id);
        }
      }),
    );
  }
}

async function read(sql: SqlExecutor, scope: Scope, dashboardId: string, id: string): Promise<Widget> {
  if (!isId(dashboardId) || !isId(id)) {
    throw notFound(scope, id);
  }
  const parameters = new Parameters();
  const visible = dashboardIsVisible(scope.tenant, parameters);
  const [row] = await sql.query<WidgetRow>(
    `SELECT ${WIDGET_COLUMNS} FROM ${scope.widgets} w JOIN ${scope.dashboards} d ON d.id = w.dashboard_id
     WHERE ${visible} AND d.id = ${parameters.add(dashboardId)} AND w.id = ${parameters.add(id)}`,
    parameters.values,
  );
  if (row === undefined) {
    throw notFound(scope, id);
  }
  return toWidget(row);
}

function notFound({ tenant: { tenantId, schema } }: Scope, id: string): RecordNotFoundError {
  return new RecordNotFoundError('widget', id, { tenantId, schema });
}
