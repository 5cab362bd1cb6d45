import { Injectable } from '@nestjs/common';
import { assertSize } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import {
  createWidget,
  mergedWidget,
  updateWidget,
  type CreateWidget,
  type UpdateWidget,
  type WidgetPosition,
} from '../../documents/widget.documents.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { readDashboard } from '../dashboards/dashboard-statements.js';
import { lockRecord, notFoundError, type WriteOptions } from '../lock-record.js';
import type { VersionedWidget, Widget } from '../records.js';
import type { TenantDatabase } from '../tenant-database.js';
import { TenantRepository } from '../tenant-repository.js';
import { noteChange, type TenantScope } from '../tenant-scope.js';
import {
  changeWidget,
  deleteWidget,
  findSql,
  insertWidget,
  raiseVersion,
  readWidget,
  type NewWidget,
  type WidgetPatch,
} from './widget-statements.js';

/**
 * The widgets of the dashboards of the tenant in context. A widget is always reached through its dashboard: those who may see and
 * change the dashboard may see and change the widget, and the id of another dashboard's widget is not found. Each change raises
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
      return changeWidgets(this.database, scope, dashboardId, options, (sql, version) =>
        addWidget(sql, scope, dashboardId, version, widget),
      );
    });
  }

  /**
   * Copies a widget, to its right or, where the grid ends, below it.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, DocumentTooLargeError, StaleVersionError
   */
  async duplicate(dashboardId: string, id: string, options: WriteOptions = {}): Promise<VersionedWidget> {
    return this.forTenant((scope) =>
      changeWidgets(this.database, scope, dashboardId, options, async (sql, version) => {
        const { layout, widgets } = await readDashboard(sql, scope, dashboardId);
        const original = widgets.find((widget) => widget.id === id.toLowerCase());
        if (original === undefined) {
          throw notFoundError('widget', scope, id);
        }
        const title = [...original.title].slice(0, MAX_TITLE - COPY.length).join('') + COPY;
        const position = placeBeside(original, layout.columns);
        return addWidget(sql, scope, dashboardId, version, { ...original, title, position });
      }),
    );
  }

  /** @throws RecordNotFoundError, ResultTooLargeError */
  async get(dashboardId: string, id: string): Promise<Widget> {
    return this.forTenant((scope) => this.database.read(scope, (sql) => readWidget(sql, scope, dashboardId, id)));
  }

  /**
   * Whether a text is the SQL of a widget that the acting user may see. The ends of lines, and space around the text, do not matter.
   *
   * @internal
   */
  async hasSql(sql: string): Promise<boolean> {
    return this.forTenant((scope) => this.database.read(scope, (executor) => findSql(executor, scope, sql)));
  }

  /**
   * From top to bottom, then from left to right.
   *
   * @throws RecordNotFoundError (of the dashboard), ResultTooLargeError
   */
  async list(dashboardId: string): Promise<Widget[]> {
    return this.forTenant(async (scope) => {
      const { widgets } = await this.database.read(scope, (sql) => readDashboard(sql, scope, dashboardId));
      return widgets;
    });
  }

  /**
   * Changes what `patch` names; `query: null` clears, `position` and `config` replace the whole document. A patch that changes
   * nothing leaves the version as it is.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, DocumentTooLargeError, StaleVersionError
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
      return changeWidgets(this.database, scope, dashboardId, options, async (sql, version) => {
        const stored = await readWidget(sql, scope, dashboardId, id);
        checkMerged(stored, columns);
        const changed = await changeWidget(sql, scope, dashboardId, id, columns);
        if (changed === undefined) {
          return { ...stored, dashboardVersion: version };
        }
        await raiseVersion(sql, scope, dashboardId, jsonLength(changed) > jsonLength(stored));
        noteWidget(scope, 'updated', dashboardId, id, version);
        return { ...changed, dashboardVersion: version + 1 };
      });
    });
  }

  /** @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError */
  async delete(dashboardId: string, id: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant((scope) =>
      changeWidgets(this.database, scope, dashboardId, options, async (sql, version) => {
        await deleteWidget(sql, scope, dashboardId, id);
        await raiseVersion(sql, scope, dashboardId, false);
        noteWidget(scope, 'deleted', dashboardId, id, version);
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

/** Changes the widgets of a dashboard, which is locked at a version. */
function changeWidgets<T>(
  database: TenantDatabase,
  scope: TenantScope,
  id: string,
  options: WriteOptions,
  work: (sql: SqlExecutor, version: number) => Promise<T>,
): Promise<T> {
  return database.write(scope, { kind: 'dashboard', id }, async (sql) => {
    const { version } = await lockRecord(sql, scope, 'dashboard', id, options);
    return work(sql, version);
  });
}

/** Adds a widget to a dashboard, locked at a version. */
async function addWidget(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  version: number,
  widget: NewWidget,
): Promise<VersionedWidget> {
  const added = await insertWidget(sql, scope, dashboardId, widget);
  await raiseVersion(sql, scope, dashboardId, true);
  noteWidget(scope, 'created', dashboardId, added.id, version);
  return { ...added, dashboardVersion: version + 1 };
}

/** @param version of the dashboard, before the change */
const noteWidget = (
  scope: TenantScope,
  action: 'created' | 'updated' | 'deleted',
  dashboardId: string,
  id: string,
  version: number,
): void =>
  noteChange(scope, {
    kind: 'widget',
    action,
    id,
    dashboardId,
    versionBefore: version,
    versionAfter: version + 1,
  });

/** The widget as it will be has one source of rows. What a patch does not touch, it need not repair. */
function checkMerged(stored: Widget, { query, config }: WidgetPatch): void {
  if (query !== undefined || config !== undefined) {
    parseDocument(mergedWidget, {
      query: query === undefined ? stored.query : query,
      config: config ?? stored.config,
    });
  }
}

const jsonLength = ({ title, query, config }: Widget): number => JSON.stringify([title, query, config]).length;
