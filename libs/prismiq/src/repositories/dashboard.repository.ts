import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import {
  createDashboard,
  updateDashboard,
  type CreateDashboard,
  type UpdateDashboard,
} from '../documents/dashboard.documents.js';
import { parseDocument } from '../documents/parse-document.js';
import { placements, type WidgetPlacement } from '../documents/widget.documents.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { dashboardIsChangeable, dashboardIsVisible } from './access.js';
import { changeDashboard, readDashboard, readDashboards } from './dashboard-statements.js';
import { readPage, type ListOptions, type Page } from './list-page.js';
import { lockDashboard, type WriteOptions } from './lock-record.js';
import { withNameCheck } from './name-taken.js';
import type { Dashboard, DashboardSummary } from './records.js';
import {
  DASHBOARD_COLUMNS,
  summaryColumns,
  toDashboard,
  toDashboardSummary,
  widgetsOf,
  type DashboardRow,
  type DashboardSummaryRow,
} from './rows.js';
import { TenantRepository, type TenantScope } from './tenant-repository.js';
import { moveWidgets, replaceWidgets } from './widget-set.js';

/**
 * The dashboards of the tenant in context, as far as its acting user may see and change them.
 *
 * Every method can throw TenantRequiredError, TenantNotProvisionedError, TenantOutdatedError, PermissionDeniedError,
 * ConnectionFailedError and DatabaseError. Inside the host's `em.transactional()` a call is part of that transaction; outside,
 * it is one of its own. The host's EntityManager is neither flushed nor filled.
 *
 * @publicApi
 */
@Injectable()
export class DashboardRepository extends TenantRepository {
  /**
   * Creates a dashboard, owned by the acting user.
   *
   * @throws InvalidDocumentError, NameTakenError
   */
  async create(input: CreateDashboard): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const { widgets = [], ...dashboard } = parseDocument(createDashboard, input);
      const insert = (sql: SqlExecutor) =>
        withNameCheck('dashboard', scope.tenant, dashboard.name, async () => {
          const parameters = new Parameters();
          const { tenantId, userId = null } = scope.tenant;
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
          const [row] = await sql.query<DashboardRow>(
            `INSERT INTO ${scope.dashboards} AS d
               (tenant_id, name, description, layout, filters, owner_id, is_public, allowed_viewers)
             VALUES (${values.join(', ')}) RETURNING ${DASHBOARD_COLUMNS}`,
            parameters.values,
          );
          return toDashboard({ ...row!, widgets: [] });
        });
      if (widgets.length === 0) {
        return this.database.write(insert);
      }
      return this.database.transaction(async (sql) => {
        const { id } = await insert(sql);
        await replaceWidgets(sql, scope, id, widgets);
        return readCreated(sql, scope, id);
      });
    });
  }

  /** @throws RecordNotFoundError: there is none, or it is not visible */
  async get(id: string): Promise<Dashboard> {
    return this.forTenant((scope) => readDashboard(this.database, scope, id));
  }

  /** All that are visible, with their widgets; the one changed last comes first. */
  async list(): Promise<Dashboard[]> {
    return this.forTenant((scope) => readDashboards(this.database, scope));
  }

  /**
   * A page of those that are visible, with their widgets.
   *
   * @throws InvalidDocumentError
   */
  async listPage(options: ListOptions = {}): Promise<Page<Dashboard>> {
    return this.forTenant(async (scope) => {
      const columns = `${DASHBOARD_COLUMNS}, ${widgetsOf(scope.widgets)}`;
      const page = await readPage<DashboardRow>(this.database, listOf(scope, columns), options);
      return { ...page, items: page.items.map(toDashboard) };
    });
  }

  /**
   * A page of those that are visible, without their documents: what a list of many needs.
   *
   * @throws InvalidDocumentError
   */
  async listSummaries(options: ListOptions = {}): Promise<Page<DashboardSummary>> {
    return this.forTenant(async (scope) => {
      const list = listOf(scope, summaryColumns(scope.widgets));
      const page = await readPage<DashboardSummaryRow>(this.database, list, options);
      return { ...page, items: page.items.map(toDashboardSummary) };
    });
  }

  /**
   * Changes what `patch` names. `widgets` replaces the set, matching by id: those known are updated in place, those without an
   * id or with an unknown one are new, those absent are deleted. A patch that changes nothing leaves the version as it is.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, NameTakenError, StaleVersionError
   */
  async update(id: string, patch: UpdateDashboard, options: WriteOptions = {}): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const { widgets, ...columns } = parseDocument(updateDashboard, patch);
      return this.database.transaction(async (sql) => {
        const { differs } = await lockDashboard(sql, scope, id, options, (parameters) =>
          columnsOf(columns, parameters).map(([column, value]) => `d.${column} IS DISTINCT FROM ${value}`),
        );
        const widgetsDiffer = widgets !== undefined && (await replaceWidgets(sql, scope, id, widgets));
        if (differs || widgetsDiffer) {
          await withNameCheck('dashboard', scope.tenant, columns.name, () =>
            changeDashboard(sql, scope, id, (parameters) =>
              columnsOf(columns, parameters).map(([column, value]) => `${column} = ${value}`),
            ),
          );
        }
        return readDashboard(sql, scope, id);
      });
    });
  }

  /**
   * Moves widgets. Ids that are not on this dashboard are ignored: another user may have deleted the widget meanwhile.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, StaleVersionError
   */
  async updateLayout(id: string, layout: WidgetPlacement[], options: WriteOptions = {}): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const moves = parseDocument(placements, layout);
      return this.database.transaction(async (sql) => {
        await lockDashboard(sql, scope, id, options);
        if (await moveWidgets(sql, scope, id, moves)) {
          await changeDashboard(sql, scope, id);
        }
        return readDashboard(sql, scope, id);
      });
    });
  }

  /**
   * Deletes a dashboard and its widgets.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError
   */
  async delete(id: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant((scope) =>
      this.database.transaction(async (sql) => {
        await lockDashboard(sql, scope, id, options);
        const parameters = new Parameters();
        await sql.query(
          `DELETE FROM ${scope.dashboards} d
           WHERE ${dashboardIsChangeable(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}`,
          parameters.values,
        );
      }),
    );
  }
}

const listOf = ({ tenant, dashboards }: TenantScope, columns: string) => ({
  from: `${dashboards} d`,
  alias: 'd' as const,
  columns,
  where: (parameters: Parameters) => dashboardIsVisible(tenant, parameters),
  sort: 'updatedAt' as const,
});

/** The columns that a patch names, each with the placeholder of its value; what is absent stays as it is. */
function columnsOf(
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

/** Its maker need not be able to see what he made: without a user, a dashboard that is not public belongs to nobody. */
async function readCreated(sql: SqlExecutor, scope: TenantScope, id: string): Promise<Dashboard> {
  return readDashboard(sql, { ...scope, tenant: { ...scope.tenant, isAdmin: true } }, id);
}
