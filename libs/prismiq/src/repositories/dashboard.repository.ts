import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  createDashboard,
  updateDashboard,
  type CreateDashboard,
  type UpdateDashboard,
} from '../documents/dashboard.documents.js';
import { parseDocument } from '../documents/parse-document.js';
import { layoutEntry, type WidgetPlacement } from '../documents/widget.documents.js';
import { NameTakenError } from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { isUniqueViolation } from '../sql/translate-error.js';
import { dashboardIsChangeable } from './access.js';
import { changeDashboard, readDashboard, readDashboards, refusal } from './dashboard-statements.js';
import type { Dashboard } from './records.js';
import { DASHBOARD_COLUMNS, toDashboard, type DashboardRow } from './rows.js';
import { isId, TenantRepository, type Scope } from './tenant-repository.js';
import { replaceWidgets } from './widget-set.js';

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
        withNameCheck(scope, dashboard.name, async () => {
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
   * Changes what `patch` names. `widgets` replaces the set, matching by id: those known are updated in place, those without an
   * id or with an unknown one are new, those absent are deleted.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, NameTakenError
   */
  async update(id: string, patch: UpdateDashboard): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const { widgets, ...dashboard } = parseDocument(updateDashboard, patch);
      return this.database.transaction(async (sql) => {
        await withNameCheck(scope, dashboard.name, () =>
          changeDashboard(sql, scope, id, (parameters) => assignments(dashboard, parameters)),
        );
        if (widgets !== undefined) {
          await replaceWidgets(sql, scope, id, widgets);
        }
        return readDashboard(sql, scope, id);
      });
    });
  }

  /**
   * Moves widgets. Ids that are not on this dashboard are ignored: another user may have deleted the widget meanwhile.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError
   */
  async updateLayout(id: string, placements: WidgetPlacement[]): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const entries = parseDocument(z.array(layoutEntry).max(1000), placements);
      return this.database.transaction(async (sql) => {
        await changeDashboard(sql, scope, id);
        const parameters = new Parameters();
        // Merged, so that minW and its like survive where only x, y, w and h come.
        await sql.query(
          `UPDATE ${scope.widgets} w
           SET position = CASE jsonb_typeof(w.position) WHEN 'object' THEN w.position || i.position ELSE i.position END,
             updated_at = now()
           FROM jsonb_to_recordset(${parameters.json(entries)}) AS i ("widgetId" uuid, position jsonb)
           WHERE w.id = i."widgetId" AND w.dashboard_id = ${parameters.add(id)}`,
          parameters.values,
        );
        return readDashboard(sql, scope, id);
      });
    });
  }

  /**
   * Deletes a dashboard and its widgets.
   *
   * @throws RecordNotFoundError, RecordForbiddenError
   */
  async delete(id: string): Promise<void> {
    return this.forTenant(async (scope) => {
      const parameters = new Parameters();
      const changeable = dashboardIsChangeable(scope.tenant, parameters);
      const deleted = isId(id)
        ? await this.database.write((sql) =>
            sql.query(
              `DELETE FROM ${scope.dashboards} d WHERE ${changeable} AND d.id = ${parameters.add(id)} RETURNING d.id`,
              parameters.values,
            ),
          )
        : [];
      if (deleted.length === 0) {
        throw await refusal(this.database, scope, id);
      }
    });
  }
}

/** The columns that a patch names; what is absent stays as it is. */
function assignments(patch: Omit<z.output<typeof updateDashboard>, 'widgets'>, parameters: Parameters): string[] {
  const { name, description, layout, filters, isPublic, allowedViewers } = patch;
  return [
    name === undefined ? [] : `name = ${parameters.add(name)}`,
    description === undefined ? [] : `description = ${parameters.add(description)}`,
    layout === undefined ? [] : `layout = ${parameters.json(layout)}`,
    filters === undefined ? [] : `filters = ${parameters.json(filters)}`,
    isPublic === undefined ? [] : `is_public = ${parameters.add(isPublic)}`,
    allowedViewers === undefined ? [] : `allowed_viewers = ${parameters.add(allowedViewers)}`,
  ].flat();
}

/** Its maker need not be able to see what he made: without a user, a dashboard that is not public belongs to nobody. */
async function readCreated(sql: SqlExecutor, scope: Scope, id: string): Promise<Dashboard> {
  return readDashboard(sql, { ...scope, tenant: { ...scope.tenant, isAdmin: true } }, id);
}

async function withNameCheck<T>({ tenant }: Scope, name: string | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (name !== undefined && isUniqueViolation(error)) {
      const { tenantId, schema } = tenant;
      throw new NameTakenError('dashboard', name, { tenantId, schema, sqlState: '23505', cause: error });
    }
    throw error;
  }
}
