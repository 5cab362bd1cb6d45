import { Injectable } from '@nestjs/common';
import {
  createDashboard,
  updateDashboard,
  type CreateDashboard,
  type UpdateDashboard,
} from '../../documents/dashboard.documents.js';
import { dashboardExport, type DashboardExport, type DashboardExportInput } from '../../documents/export.documents.js';
import { assertDashboardSize } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import { userId } from '../../documents/text.js';
import { placements, type WidgetPlacement } from '../../documents/widget.documents.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { differences } from '../assignments.js';
import { withNameCheck } from '../check-name.js';
import type { ListOptions } from '../lists/list-options.js';
import { readAll, readPage, type Page } from '../lists/read-list.js';
import { lockRecord, type WriteOptions } from '../lock-record.js';
import type { Dashboard, DashboardSummary } from '../records.js';
import { TenantRepository } from '../tenant-repository.js';
import { noteUpdate } from '../tenant-scope.js';
import { toDashboard, toDashboardSummary } from './dashboard-rows.js';
import { removeFromViewers, transferAll, transferOne } from './dashboard-sharing.js';
import {
  changeDashboard,
  dashboardAssignments,
  dashboardList,
  deleteDashboard,
  insertDashboard,
  noteCreation,
  readDashboard,
  summaryList,
} from './dashboard-statements.js';
import { moveWidgets, replaceWidgets } from './dashboard-widgets.js';
import { duplicateDashboard } from './duplicate-dashboard.js';
import { NEW_NAME } from './free-name.js';
import {
  importDashboard,
  importOptions,
  rollBackAfter,
  toExport,
  type ImportOptions,
  type ImportResult,
} from './import-dashboard.js';
import { updateInOneStatement } from './update-in-one-statement.js';

const KIND = 'dashboard' as const;

/**
 * The dashboards of the tenant in context, as far as its acting user may see and change them.
 *
 * Every method can throw TenantRequiredError, TenantNotProvisionedError, TenantOutdatedError, TenantBusyError,
 * PermissionDeniedError, ConnectionFailedError and DatabaseError; those that write, RecordBusyError as well. Inside the host's
 * `em.transactional()` a call is part of that transaction; outside, it is a transaction of its own. The host's EntityManager is
 * neither flushed nor filled.
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
      const content = parseDocument(createDashboard, input);
      assertDashboardSize(content, this.limits);
      return this.database.write(scope, { kind: KIND }, async (sql) => {
        const dashboard = await insertDashboard(sql, scope, content);
        noteCreation(scope, dashboard);
        return dashboard;
      });
    });
  }

  /** @throws RecordNotFoundError (there is none, or it is not visible), ResultTooLargeError */
  async get(id: string): Promise<Dashboard> {
    return this.forTenant((scope) => this.database.read(scope, (sql) => readDashboard(sql, scope, id)));
  }

  /**
   * All that are visible, with their widgets; the one changed last comes first.
   *
   * @throws ResultTooLargeError: read pages or summaries instead
   */
  async list(): Promise<Dashboard[]> {
    return this.forTenant(async (scope) => {
      const rows = await this.database.read(scope, (sql) => readAll(sql, scope, dashboardList(scope)));
      return rows.map(toDashboard);
    });
  }

  /**
   * A page of those that are visible, with their widgets.
   *
   * @throws InvalidDocumentError, ResultTooLargeError (a single dashboard is too large)
   */
  async listPage(options: ListOptions = {}): Promise<Page<Dashboard>> {
    return this.forTenant(async (scope) => {
      const page = await this.database.read(scope, (sql) => readPage(sql, scope, dashboardList(scope), options));
      return { ...page, items: page.items.map(toDashboard) };
    });
  }

  /**
   * A page of those that are visible, without their documents.
   *
   * @throws InvalidDocumentError, ResultTooLargeError (a single summary is too large)
   */
  async listSummaries(options: ListOptions = {}): Promise<Page<DashboardSummary>> {
    return this.forTenant(async (scope) => {
      const page = await this.database.read(scope, (sql) => readPage(sql, scope, summaryList(scope), options));
      return { ...page, items: page.items.map(toDashboardSummary) };
    });
  }

  /**
   * Changes what `patch` names. `widgets` replaces the set, matched by id: known widgets are updated in place, those without an
   * id or with an unknown one are new, those absent are deleted. A patch that changes nothing leaves the version as it is.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, DocumentTooLargeError, NameTakenError, StaleVersionError
   */
  async update(id: string, patch: UpdateDashboard, options: WriteOptions = {}): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const { widgets, ...columns } = parseDocument(updateDashboard, patch);
      assertDashboardSize({ ...columns, widgets }, this.limits);
      const { description, filters, allowedViewers } = columns;
      const mayGrow = [widgets, description, filters, allowedViewers].some((member) => member !== undefined);
      const work = async (sql: SqlExecutor) => {
        const { differs, version } = await lockRecord(sql, scope, KIND, id, options, (parameters) =>
          differences('d', dashboardAssignments(columns, parameters)),
        );
        const widgetsDiffer = widgets !== undefined && (await replaceWidgets(sql, scope, id, widgets));
        if (!differs && !widgetsDiffer) {
          return readDashboard(sql, scope, id);
        }
        noteUpdate(scope, KIND, id, version + 1);
        return withNameCheck(KIND, scope, columns.name, () => changeDashboard(sql, scope, id, columns, mayGrow));
      };
      const shortcut = (sql: SqlExecutor) => updateInOneStatement(sql, scope, id, columns, options);
      return this.database.write(scope, { kind: KIND, id }, work, widgets === undefined ? shortcut : undefined);
    });
  }

  /**
   * Moves widgets. Ids that are not on this dashboard are ignored: another user may have deleted the widget meanwhile.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, StaleVersionError, ResultTooLargeError
   */
  async updateLayout(id: string, layout: WidgetPlacement[], options: WriteOptions = {}): Promise<Dashboard> {
    return this.forTenant(async (scope) => {
      const moves = parseDocument(placements, layout);
      return this.database.write(scope, { kind: KIND, id }, async (sql) => {
        const { version } = await lockRecord(sql, scope, KIND, id, options);
        if (await moveWidgets(sql, scope, id, moves)) {
          noteUpdate(scope, KIND, id, version + 1);
        }
        return readDashboard(sql, scope, id);
      });
    });
  }

  /**
   * Copies a dashboard that is visible: the copy belongs to the acting user and is shared with nobody.
   *
   * @param options.name a number is appended if it is taken; by default the name of the original with ` (Copy)`
   * @throws RecordNotFoundError, InvalidDocumentError, DocumentTooLargeError
   */
  async duplicate(id: string, options: { name?: string | undefined } = {}): Promise<Dashboard> {
    return this.forTenant((scope) =>
      this.database.write(scope, NEW_NAME, (sql) => duplicateDashboard(sql, scope, id, options.name)),
    );
  }

  /**
   * A dashboard that is visible, to be imported elsewhere.
   *
   * @throws RecordNotFoundError, ResultTooLargeError
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
      assertDashboardSize(content, this.limits);
      const work = (sql: SqlExecutor) => importDashboard(sql, scope, content, onConflict);
      const write = (run: typeof work) => this.database.write(scope, NEW_NAME, run);
      return dryRun ? rollBackAfter(write, work) : write(work);
    });
  }

  /**
   * Transfers a dashboard to another user. The previous owner keeps no right to it.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, StaleVersionError
   */
  async transferOwnership(id: string, toUserId: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant(async (scope) => {
      const owner = parseDocument(userId, toUserId);
      await this.database.write(scope, { kind: KIND, id }, (sql) => transferOne(sql, scope, id, owner, options));
    });
  }

  /**
   * Transfers all dashboards of a user, such as one who leaves. For admins, and for that user.
   *
   * @returns how many
   * @throws RecordForbiddenError, InvalidDocumentError
   */
  async transferAllOwnership(fromUserId: string, toUserId: string): Promise<number> {
    return this.forTenant(async (scope) => {
      const [from, to] = [parseDocument(userId, fromUserId), parseDocument(userId, toUserId)];
      return this.database.write(scope, { kind: KIND }, (sql) => transferAll(sql, scope, from, to));
    });
  }

  /**
   * Removes a user from the viewers of all dashboards. For admins, and for that user.
   *
   * @returns on how many dashboards the user was listed
   * @throws RecordForbiddenError, InvalidDocumentError
   */
  async removeViewer(viewerId: string): Promise<number> {
    return this.forTenant(async (scope) => {
      const viewer = parseDocument(userId, viewerId);
      return this.database.write(scope, { kind: KIND }, (sql) => removeFromViewers(sql, scope, viewer));
    });
  }

  /**
   * Deletes a dashboard and its widgets.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError
   */
  async delete(id: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant((scope) =>
      this.database.write(scope, { kind: KIND, id }, (sql) => deleteDashboard(sql, scope, id, options)),
    );
  }
}
