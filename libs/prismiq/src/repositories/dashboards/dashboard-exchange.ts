import { z } from 'zod';
import type { DashboardExport, dashboardExport } from '../../documents/export.documents.js';
import { name } from '../../documents/text.js';
import { NameTakenError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { Database } from '../../sql/database.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardIsInTenant } from '../access.js';
import { changeDashboard } from './dashboard-statements.js';
import { insertDashboard, insertWithWidgets, readOwn, underFreeName } from './insert-dashboard.js';
import { lockDashboard } from '../lock-record.js';
import type { Dashboard } from '../records.js';
import type { TenantScope } from '../tenant-repository.js';
import { replaceWidgets } from '../widgets/widget-set.js';

/** @publicApi */
export interface ImportOptions {
  /**
   * The name to give it.
   * @default the name in the export
   */
  name?: string | undefined;
  /**
   * What to do when the tenant has a dashboard of that name: refuse, give the new one another name, or put the content of the
   * export in its place (its id, owner and sharing stay).
   * @default 'fail'
   */
  onConflict?: 'fail' | 'rename' | 'overwrite' | undefined;
  /**
   * Whether to do all of it, and then undo it: the result says what would have happened.
   * @default false
   */
  dryRun?: boolean | undefined;
}

export const importOptions = z.strictObject({
  name: name().optional(),
  onConflict: z.enum(['fail', 'rename', 'overwrite']).default('fail'),
  dryRun: z.boolean().default(false),
});

/** The name of a copy as it is asked for: cut to what fits. */
export const copyName = z.string().transform((wanted) => [...wanted.trim()].slice(0, 255).join('') || 'Copy');

/** @publicApi */
export interface ImportResult {
  action: 'created' | 'renamed' | 'overwritten';
  /** As it is now or, after a dry run, would be; its ids are then of no use. */
  dashboard: Dashboard;
}

/** Runs a transaction and, if it is for trial, rolls it back. */
export async function inTransactionOrDryRun<T>(
  isTrial: boolean,
  database: Database,
  work: (sql: SqlExecutor) => Promise<T>,
): Promise<T> {
  const trial: { result?: T } = {};
  try {
    return await database.transaction(async (sql) => {
      const result = await work(sql);
      if (isTrial) {
        trial.result = result;
        throw trial;
      }
      return result;
    });
  } catch (error) {
    if (error === trial) {
      return trial.result!;
    }
    throw error;
  }
}

export const toExport = ({ name, description, layout, filters, widgets }: Dashboard): DashboardExport => ({
  version: '1.0',
  name,
  description,
  layout,
  widgets: widgets.map(({ type, title, query, position, config }) => ({ type, title, query, position, config })),
  filters,
});

/** A copy of a dashboard for the acting user, under a name that is free; its sharing is not copied. One row set, not row by row. */
export async function duplicateDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  source: Dashboard,
  name: string,
): Promise<Dashboard> {
  const copy = await underFreeName(sql, scope, name, (free) =>
    insertDashboard(sql, scope, {
      name: free,
      description: source.description,
      layout: source.layout,
      filters: source.filters,
      isPublic: false,
      allowedViewers: [],
    }),
  );
  const parameters = new Parameters();
  await sql.query(
    `INSERT INTO ${scope.widgets} (dashboard_id, type, title, query, position, config)
     SELECT ${parameters.add(copy.id)}::uuid, w.type, w.title, w.query, w.position, w.config
     FROM ${scope.widgets} w JOIN ${scope.dashboards} d ON d.id = w.dashboard_id
     WHERE ${dashboardIsInTenant(scope.tenant, parameters)} AND d.id = ${parameters.add(source.id)}`,
    parameters.values,
  );
  return readOwn(sql, scope, copy.id);
}

/** @throws NameTakenError, RecordForbiddenError (to overwrite it) */
export async function importDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  content: z.output<typeof dashboardExport>,
  onConflict: NonNullable<ImportOptions['onConflict']>,
): Promise<ImportResult> {
  const create = (name: string) =>
    insertWithWidgets(sql, scope, { ...content, name, isPublic: undefined, allowedViewers: undefined });
  if (onConflict === 'rename') {
    const dashboard = await underFreeName(sql, scope, content.name, create);
    return { action: dashboard.name === content.name ? 'created' : 'renamed', dashboard };
  }
  const existing = onConflict === 'overwrite' ? await idOf(sql, scope, content.name) : undefined;
  return existing === undefined
    ? { action: 'created', dashboard: await create(content.name) }
    : { action: 'overwritten', dashboard: await overwrite(sql, scope, existing, content) };
}

async function idOf(sql: SqlExecutor, { tenant, dashboards }: TenantScope, name: string): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT d.id FROM ${dashboards} d WHERE d.tenant_id::text = $1::text AND d.name::text = $2::text`,
    [tenant.tenantId, name],
  );
  return row?.id;
}

async function overwrite(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  { name, description, layout, filters, widgets }: z.output<typeof dashboardExport>,
): Promise<Dashboard> {
  await lockDashboard(sql, scope, id, {}).catch((error: unknown) => {
    // One that the user may not see is a name in use, and nothing more.
    const { tenantId, schema } = scope.tenant;
    throw (error as { code?: string }).code === 'NOT_FOUND'
      ? new NameTakenError('dashboard', name, { tenantId, schema })
      : error;
  });
  await replaceWidgets(sql, scope, id, widgets ?? []);
  await changeDashboard(sql, scope, id, (parameters) => [
    `description = ${parameters.add(description ?? null)}`,
    `layout = ${parameters.json(layout)}`,
    `filters = ${parameters.json(filters ?? [])}`,
  ]);
  return readOwn(sql, scope, id);
}
