import { z } from 'zod';
import { assertDashboardBytes } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import { NameTakenError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { errorContext } from '../../tenancy/tenant.js';
import { dashboardVisibleSql } from '../access.js';
import { jsonArray } from '../json-rows.js';
import { notFoundError } from '../lock-record.js';
import type { Dashboard } from '../records.js';
import { isId, type TenantScope } from '../tenant-scope.js';
import { dashboardColumns } from './dashboard-rows.js';
import { noteCreation, readOwnDashboard } from './dashboard-statements.js';
import { underFreeName, withSuffix } from './free-name.js';

/** The default name of a copy, cut to what fits. */
const copyName = z.string().transform((wanted) => withSuffix(wanted.trim(), '') || 'Copy');

/**
 * Copies a dashboard that is visible, for the acting user and under a free name. Its sharing is not copied.
 *
 * @throws RecordNotFoundError, InvalidDocumentError, DocumentTooLargeError
 */
export async function duplicateDashboard(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  name: string | undefined,
): Promise<Dashboard> {
  const source = await measureSource(sql, scope, id);
  assertDashboardBytes(source.bytes, scope.limits);
  const wanted = name === undefined ? withSuffix(source.name, ' (Copy)') : parseDocument(copyName, name);
  const copyId = await underFreeName(sql, scope, wanted, (free) => copyRows(sql, scope, id, free));
  const copy = await readOwnDashboard(sql, scope, copyId);
  noteCreation(scope, copy);
  return copy;
}

async function measureSource(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
): Promise<{ name: string; bytes: number }> {
  const parameters = new Parameters();
  const [source] = isId(id)
    ? await sql.query<{ name: string; bytes: number }>(
        `SELECT d.name, octet_length(${jsonArray(dashboardColumns(scope))}::text) AS bytes FROM ${scope.dashboards} d
         WHERE ${dashboardVisibleSql(scope.tenant, parameters)} AND d.id = ${parameters.add(id)}`,
        parameters.values,
      )
    : [];
  if (source === undefined) {
    throw notFoundError('dashboard', scope, id);
  }
  return source;
}

/**
 * In one statement, which sees the dashboard and its widgets as they were at one moment, and does not wait for other changes of them.
 *
 * @returns the id of the copy
 * @throws RecordNotFoundError (it was deleted meanwhile), NameTakenError
 */
async function copyRows(sql: SqlExecutor, scope: TenantScope, id: string, name: string): Promise<string> {
  const { tenant, dashboards, widgets } = scope;
  const parameters = new Parameters();
  const [row] = await sql.query<{ copy: string | null; found: boolean }>(
    `WITH source AS (
       SELECT d.id, d.description, d.layout, d.filters FROM ${dashboards} d
       WHERE ${dashboardVisibleSql(tenant, parameters)} AND d.id = ${parameters.add(id)}),
     copy AS (
       INSERT INTO ${dashboards}
         (tenant_id, name, description, layout, filters, owner_id, is_public, allowed_viewers)
       SELECT ${parameters.add(tenant.tenantId)}, ${parameters.add(name)}, s.description, s.layout, s.filters,
         ${parameters.add(tenant.userId ?? null)}, false, '{}'
       FROM source s
       ON CONFLICT (tenant_id, name) DO NOTHING
       RETURNING id),
     copied AS (
       INSERT INTO ${widgets} (dashboard_id, type, title, query, position, config)
       SELECT c.id, w.type, w.title, w.query, w.position, w.config
       FROM copy c, source s JOIN ${widgets} w ON w.dashboard_id = s.id)
     SELECT (SELECT id FROM copy) AS copy, EXISTS (SELECT 1 FROM source) AS found`,
    parameters.values,
  );
  if (!row!.found) {
    throw notFoundError('dashboard', scope, id);
  }
  if (row!.copy === null) {
    throw new NameTakenError('dashboard', name, errorContext(tenant));
  }
  return row!.copy;
}
