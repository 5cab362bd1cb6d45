import { quoteIdentifier } from '../../sql/identifier.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import type { TenantFinding, VerifyReport } from '../fleet-report.js';
import { findOrphans } from './find-orphans.js';
import { toFinding } from './fleet-status.js';
import { inspectRows, schemasByTenant, type SchemaTenants } from './inspect-rows.js';
import type { TenantMigrationState } from './tenant-migration-state.js';

/**
 * Reports tenants with problems in their tables or rows.
 *
 * @param schemas the tenants of all schemas, verified or not
 */
export async function verifyTenants(
  states: AsyncIterable<TenantMigrationState>,
  schemas: SchemaTenants,
  sql: SqlExecutor,
): Promise<VerifyReport> {
  const seen: TenantMigrationState[] = [];
  for await (const state of states) {
    seen.push(state);
  }
  const existing = seen.filter(({ schemaExists }) => schemaExists).map(({ tenant }) => tenant.schema);
  const problems = await inspectRows(sql, new Map(existing.map((schema) => [schema, schemas.get(schema) ?? []])));
  const orphans = existing.length < seen.length ? await findOrphans(sql, schemas) : [];
  const renamed = orphans.length > 0 ? await schemasByTenant(sql, orphans) : new Map<string, string>();
  const findings: TenantFinding[] = [];
  let behind = 0;
  for (const state of seen) {
    const { tenantId, schema, error } = state.tenant;
    const found = toFinding(state);
    const messages = [
      ...(found === undefined ? [] : [found.message]),
      ...(state.schemaExists || error !== undefined ? [] : renamedTo(renamed.get(tenantId), schema)),
      ...(problems.get(schema) ?? []),
    ];
    if (messages.length > 0) {
      const { version, differences } = state;
      findings.push({ tenantId, schema, version, differences, message: messages.join('\n') });
    } else if (state.pending.length + state.unrecorded.length > 0) {
      behind += 1;
    }
  }
  return { total: seen.length, behind, findings };
}

const renamedTo = (found: string | undefined, schema: string): string[] =>
  found === undefined
    ? []
    : [
        `Schema "${found}" has rows of this tenant and belongs to no other. If it was renamed: ` +
          `ALTER SCHEMA ${quoteIdentifier(found)} RENAME TO ${quoteIdentifier(schema)}`,
      ];
