import type { z } from 'zod';
import type { createDashboard } from '../../documents/dashboard.documents.js';
import { NameTakenError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import type { Dashboard } from '../records.js';
import { DASHBOARD_COLUMNS, toDashboard, type DashboardRow } from '../rows.js';
import { readDashboards } from './dashboard-statements.js';
import type { TenantScope } from '../tenant-repository.js';
import { replaceWidgets } from '../widgets/widget-set.js';

type NewDashboard = Omit<z.output<typeof createDashboard>, 'widgets'>;

/**
 * Inserts a dashboard without widgets, owned by the acting user. A name in use ends no transaction: the row is passed over.
 *
 * @throws NameTakenError
 */
export async function insertDashboard(
  sql: SqlExecutor,
  { tenant, dashboards }: TenantScope,
  dashboard: NewDashboard,
): Promise<Dashboard> {
  const { tenantId, schema, userId = null } = tenant;
  const parameters = new Parameters();
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
    `INSERT INTO ${dashboards} AS d
       (tenant_id, name, description, layout, filters, owner_id, is_public, allowed_viewers)
     VALUES (${values.join(', ')}) ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${DASHBOARD_COLUMNS}`,
    parameters.values,
  );
  if (row === undefined) {
    throw new NameTakenError('dashboard', dashboard.name, { tenantId, schema });
  }
  return toDashboard({ ...row, widgets: [] });
}

/**
 * Inserts a dashboard with its widgets.
 *
 * @throws NameTakenError
 */
export async function insertWithWidgets(
  sql: SqlExecutor,
  scope: TenantScope,
  { widgets, ...dashboard }: z.output<typeof createDashboard>,
): Promise<Dashboard> {
  const inserted = await insertDashboard(sql, scope, dashboard);
  if (widgets === undefined || widgets.length === 0) {
    return inserted;
  }
  await replaceWidgets(sql, scope, inserted.id, widgets);
  return readOwn(sql, scope, inserted.id);
}

/**
 * Reads what this call has made. Its maker need not be able to see it: without a user, a dashboard that is not public belongs to
 * nobody.
 */
export async function readOwn(sql: SqlExecutor, scope: TenantScope, id: string): Promise<Dashboard> {
  const [dashboard] = await readDashboards(sql, { ...scope, tenant: { ...scope.tenant, isAdmin: true } }, id);
  return dashboard!;
}

const MAX_CHARACTERS = 255;

/** How often somebody else may be quicker with the name that was free. */
const MAX_ATTEMPTS = 10;

/**
 * Inserts under the first name that is free: the one asked for, or that with ` (2)`, ` (3)` and so on behind it, cut so that it
 * fits.
 */
export async function underFreeName(
  sql: SqlExecutor,
  scope: TenantScope,
  wanted: string,
  insert: (name: string) => Promise<Dashboard>,
): Promise<Dashboard> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await insert(await freeName(sql, scope, wanted));
    } catch (error) {
      if (!(error instanceof NameTakenError) || attempt === MAX_ATTEMPTS) {
        throw error;
      }
    }
  }
}

async function freeName(sql: SqlExecutor, { tenant, dashboards }: TenantScope, name: string): Promise<string> {
  const candidates = Array.from({ length: 1000 }, (_, index) => {
    const suffix = index === 0 ? '' : ` (${index + 1})`;
    return [...name].slice(0, MAX_CHARACTERS - suffix.length).join('') + suffix;
  });
  const [row] = await sql.query<{ name: string }>(
    `SELECT c.name FROM unnest($2::text[]) WITH ORDINALITY AS c (name, place)
     WHERE NOT EXISTS (SELECT 1 FROM ${dashboards} d WHERE d.tenant_id::text = $1::text AND d.name::text = c.name)
     ORDER BY c.place LIMIT 1`,
    [tenant.tenantId, candidates],
  );
  return row?.name ?? name;
}
