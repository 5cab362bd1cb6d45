import { Injectable } from '@nestjs/common';
import {
  createDashboard,
  updateDashboard,
  type CreateDashboard,
  type UpdateDashboard,
} from '../../documents/dashboard.documents.js';
import { dashboardExport, type DashboardExport, type DashboardExportInput } from '../../documents/export.documents.js';
import { assertSize } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import { userId } from '../../documents/text.js';
import { placements, type WidgetPlacement } from '../../documents/widget.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardIsChangeable } from '../access.js';
import {
  copyName,
  duplicateDashboard,
  importDashboard,
  importOptions,
  inTransactionOrDryRun,
  toExport,
  type ImportOptions,
  type ImportResult,
} from './dashboard-exchange.js';
import { transferAll, removeFromViewers } from './dashboard-sharing.js';
import {
  changeAndReadDashboard,
  changeDashboard,
  columnsOf,
  creationOf,
  listOf,
  readDashboard,
  readDashboards,
  updateOf,
} from './dashboard-statements.js';
import { insertWithWidgets } from './insert-dashboard.js';
import { readPage, type ListOptions, type Page } from '../list-page.js';
import { lockDashboard, type WriteOptions } from '../lock-record.js';
import { withNameCheck } from '../name-taken.js';
import type { Dashboard, DashboardSummary } from '../records.js';
import {
  DASHBOARD_COLUMNS,
  summaryColumns,
  toDashboard,
  toDashboardSummary,
  widgetsOf,
  type DashboardRow,
  type DashboardSummaryRow,
} from '../rows.js';
import { TenantRepository } from '../tenant-repository.js';
import { updateInOneStatement } from '../update-in-one-statement.js';
import { moveWidgets, replaceWidgets } from '../widgets/widget-set.js';

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
   * @throws InvalidDocumentError, DocumentTooLargeError, NameTakenError
   */
  async create(input: CreateDashboard): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const dashboard = parseDocument(createDashboard, input);
      assertSize(dashboard, this.limits);
      const work = (sql: SqlExecutor) => insertWithWidgets(sql, scope, dashboard);
      // Without widgets it is one statement, which needs no transaction around it.
      const made = await (dashboard.widgets?.length ? this.database.transaction(work) : this.database.write(work));
      scope.changed(creationOf(made));
      return made;
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
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, DocumentTooLargeError, NameTakenError, StaleVersionError
   */
  async update(id: string, patch: UpdateDashboard, options: WriteOptions = {}): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const { widgets, ...columns } = parseDocument(updateDashboard, patch);
      assertSize({ ...columns, widgets }, this.limits);
      if (widgets === undefined && !this.database.isInTransaction()) {
        const updated = await updateInOneStatement(this.database, scope, id, columns, options);
        if (updated !== undefined) {
          return updated;
        }
      }
      return this.database.transaction(async (sql) => {
        const { differs, version } = await lockDashboard(sql, scope, id, options, (parameters) =>
          columnsOf(columns, parameters).map(([column, value]) => `d.${column} IS DISTINCT FROM ${value}`),
        );
        const widgetsDiffer = widgets !== undefined && (await replaceWidgets(sql, scope, id, widgets));
        if (!differs && !widgetsDiffer) {
          return readDashboard(sql, scope, id);
        }
        scope.changed(updateOf(id, version));
        return withNameCheck('dashboard', scope.tenant, columns.name, () =>
          changeAndReadDashboard(sql, scope, id, (parameters) =>
            columnsOf(columns, parameters).map(([column, value]) => `${column} = ${value}`),
          ),
        );
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
        const { version } = await lockDashboard(sql, scope, id, options);
        if (await moveWidgets(sql, scope, id, moves)) {
          scope.changed(updateOf(id, version));
        }
        return readDashboard(sql, scope, id);
      });
    });
  }

  /**
   * Copies a dashboard that is visible: the copy belongs to the acting user, and is shared with nobody.
   *
   * @param options.name made unique by a number behind it; by default the name of the original and ` (Copy)`
   * @throws RecordNotFoundError, InvalidDocumentError
   */
  async duplicate(id: string, options: { name?: string | undefined } = {}): Promise<Dashboard> {
    return this.forTenant((scope) =>
      this.database.transaction(async (sql) => {
        const source = await readDashboard(sql, scope, id);
        const wanted = parseDocument(copyName, options.name ?? `${source.name} (Copy)`);
        const copy = await duplicateDashboard(sql, scope, source, wanted);
        scope.changed(creationOf(copy));
        return copy;
      }),
    );
  }

  /**
   * A dashboard that is visible, to be carried elsewhere.
   *
   * @throws RecordNotFoundError
   */
  async export(id: string): Promise<DashboardExport> {
    return toExport(await this.get(id));
  }

  /**
   * Creates a dashboard from an export, owned by the acting user and shared with nobody. All or nothing.
   *
   * @throws InvalidDocumentError, DocumentTooLargeError, NameTakenError, RecordForbiddenError (to overwrite it)
   */
  async import(input: DashboardExportInput, options: ImportOptions = {}): Promise<ImportResult> {
    return this.forTenant(async (scope) => {
      const { name = input?.name, onConflict, dryRun } = parseDocument(importOptions, options);
      const content = parseDocument(dashboardExport, { ...input, name });
      assertSize(content, this.limits);
      const { action, dashboard } = await inTransactionOrDryRun(dryRun, this.database, (sql) =>
        importDashboard(sql, scope, content, onConflict),
      );
      if (!dryRun) {
        scope.changed(action === 'overwritten' ? updateOf(dashboard.id, dashboard.version - 1) : creationOf(dashboard));
      }
      return { action, dashboard };
    });
  }

  /**
   * Gives a dashboard to another user; the one who had it keeps no right to it.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, StaleVersionError
   */
  async transferOwnership(id: string, toUserId: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant(async (scope) => {
      const owner = parseDocument(userId, toUserId);
      await this.database.transaction(async (sql) => {
        const { differs, version } = await lockDashboard(sql, scope, id, options, (parameters) => [
          `d.owner_id IS DISTINCT FROM ${parameters.add(owner)}`,
        ]);
        if (differs) {
          await changeDashboard(sql, scope, id, (parameters) => [`owner_id = ${parameters.add(owner)}`]);
          scope.changed(updateOf(id, version));
        }
      });
    });
  }

  /**
   * Gives all dashboards of a user to another, for one who leaves. For admins, and for the user himself.
   *
   * @returns how many
   * @throws RecordForbiddenError, InvalidDocumentError
   */
  async transferAllOwnership(fromUserId: string, toUserId: string): Promise<number> {
    return this.forTenant(async (scope) => {
      const [from, to] = [parseDocument(userId, fromUserId), parseDocument(userId, toUserId)];
      const touched = await this.database.write((sql) => transferAll(sql, scope, from, to));
      touched.forEach(({ id, version }) => scope.changed(updateOf(id, version - 1)));
      return touched.length;
    });
  }

  /**
   * Takes a user off the lists of viewers of all dashboards. For admins, and for the user himself.
   *
   * @returns how many dashboards he was listed on
   * @throws RecordForbiddenError, InvalidDocumentError
   */
  async removeViewer(viewerId: string): Promise<number> {
    return this.forTenant(async (scope) => {
      const viewer = parseDocument(userId, viewerId);
      const touched = await this.database.write((sql) => removeFromViewers(sql, scope, viewer));
      touched.forEach(({ id, version }) => scope.changed(updateOf(id, version - 1)));
      return touched.length;
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
        const { version } = await lockDashboard(sql, scope, id, options);
        scope.changed({ kind: 'dashboard', action: 'deleted', id, versionBefore: version });
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
