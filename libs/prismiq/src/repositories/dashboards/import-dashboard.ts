import { z } from 'zod';
import type { DashboardExport, dashboardExport } from '../../documents/export.documents.js';
import { name } from '../../documents/text.js';
import { NameTakenError, RecordNotFoundError } from '../../errors/record.errors.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { errorContext } from '../../tenancy/tenant.js';
import { lockRecord } from '../lock-record.js';
import type { Dashboard } from '../records.js';
import { noteUpdate, type TenantScope } from '../tenant-scope.js';
import { changeDashboard, insertDashboard, noteCreation } from './dashboard-statements.js';
import { replaceWidgets } from './dashboard-widgets.js';
import { underFreeName } from './free-name.js';

/** @publicApi */
export interface ImportOptions {
  /**
   * The name of the dashboard.
   * @default the name in the export
   */
  name?: string | undefined;
  /**
   * What to do if the tenant already has a dashboard with that name: refuse; give the new one another name; or replace the content
   * of the existing one, which keeps its id, owner and sharing.
   * @default 'fail'
   */
  onConflict?: 'fail' | 'rename' | 'overwrite' | undefined;
  /**
   * Whether to undo the import at its end: the result says what would have happened.
   * @default false
   */
  dryRun?: boolean | undefined;
}

export const importOptions = z.strictObject({
  name: name().optional(),
  onConflict: z.enum(['fail', 'rename', 'overwrite']).default('fail'),
  dryRun: z.boolean().default(false),
});

/** @publicApi */
export interface ImportResult {
  action: 'created' | 'renamed' | 'overwritten';
  /** The dashboard after the import. After a dry run, no record has its ids. */
  dashboard: Dashboard;
}

export const toExport = ({ name, description, layout, filters, widgets }: Dashboard): DashboardExport => ({
  version: '1.0',
  name,
  description,
  layout,
  widgets: widgets.map(({ type, title, query, position, config }) => ({ type, title, query, position, config })),
  filters,
});

type Content = z.output<typeof dashboardExport>;

/** @throws NameTakenError, RecordForbiddenError (to overwrite it), DocumentTooLargeError */
export async function importDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  content: Content,
  onConflict: NonNullable<ImportOptions['onConflict']>,
): Promise<ImportResult> {
  const existing = onConflict === 'overwrite' ? await findByName(sql, scope, content.name) : undefined;
  if (existing !== undefined) {
    return { action: 'overwritten', dashboard: await overwrite(sql, scope, existing, content) };
  }
  const insert = (free: string) =>
    insertDashboard(sql, scope, { ...content, name: free, isPublic: undefined, allowedViewers: undefined });
  const dashboard = await (onConflict === 'rename'
    ? underFreeName(sql, scope, content.name, insert)
    : insert(content.name));
  noteCreation(scope, dashboard);
  return { action: dashboard.name === content.name ? 'created' : 'renamed', dashboard };
}

/** Runs a write, rolls it back, and returns its result all the same. */
export async function rollBackAfter<T>(
  write: (work: (sql: SqlExecutor) => Promise<T>) => Promise<T>,
  work: (sql: SqlExecutor) => Promise<T>,
): Promise<T> {
  const undone: { result?: T } = {};
  try {
    return await write(async (sql) => {
      undone.result = await work(sql);
      throw undone;
    });
  } catch (error) {
    if (error === undone) {
      return undone.result!;
    }
    throw error;
  }
}

async function findByName(
  sql: SqlExecutor,
  { tenant, dashboards }: TenantScope,
  wanted: string,
): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT d.id FROM ${dashboards} d WHERE d.tenant_id::text = $1::text AND d.name::text = $2::text`,
    [tenant.tenantId, wanted],
  );
  return row?.id;
}

async function overwrite(sql: SqlExecutor, scope: TenantScope, id: string, content: Content): Promise<Dashboard> {
  const { version } = await lockRecord(sql, scope, 'dashboard', id, {}).catch((error: unknown) => {
    // A dashboard that the user may not see is only a taken name.
    throw error instanceof RecordNotFoundError
      ? new NameTakenError('dashboard', content.name, errorContext(scope.tenant))
      : error;
  });
  await replaceWidgets(sql, scope, id, content.widgets ?? []);
  const { description = null, layout, filters = [] } = content;
  const dashboard = await changeDashboard(sql, scope, id, { description, layout, filters }, true);
  noteUpdate(scope, 'dashboard', id, version + 1);
  return dashboard;
}
