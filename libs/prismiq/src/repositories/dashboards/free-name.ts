import { NameTakenError } from '../../errors/record.errors.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import type { WriteTarget } from '../tenant-database.js';
import type { TenantScope } from '../tenant-scope.js';

const MAX_CHARACTERS = 255;

/** How often another process may take a name that was free. */
const MAX_ATTEMPTS = 50;

/** Searches for a free name in this process take turns, so that they do not all find the same one. */
export const NEW_NAME: WriteTarget = { kind: 'dashboard', queue: 'new name' };

/** A name with a suffix, cut so that both fit. */
export const withSuffix = (name: string, suffix: string): string =>
  [...name]
    .slice(0, MAX_CHARACTERS - suffix.length)
    .join('')
    .trimEnd() + suffix;

/**
 * Inserts under a free name: the requested one, or the same with the suffix ` (2)`, ` (3)` and so on. Each attempt sees what others
 * have committed since the previous one, and chooses among more free names.
 *
 * @param insert throws NameTakenError if the name is no longer free
 */
export async function underFreeName<T>(
  sql: SqlExecutor,
  scope: TenantScope,
  wanted: string,
  insert: (name: string) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const names = await freeNames(sql, scope, wanted, attempt);
    try {
      return await insert(names[Math.floor(Math.random() * names.length)]!);
    } catch (error) {
      if (!(error instanceof NameTakenError) || attempt === MAX_ATTEMPTS) {
        throw error;
      }
    }
  }
}

/** The first free names, in ever larger ranges of numbers. */
async function freeNames(
  sql: SqlExecutor,
  { tenant, dashboards }: TenantScope,
  wanted: string,
  count: number,
): Promise<string[]> {
  for (let first = 1, size = 20; ; first += size, size *= 10) {
    const candidates = Array.from({ length: size }, (_, index) => {
      const number = first + index;
      return number === 1 ? wanted : withSuffix(wanted, ` (${number})`);
    });
    const rows = await sql.query<{ name: string }>(
      `SELECT c.name FROM unnest($2::text[]) WITH ORDINALITY AS c (name, place)
       WHERE NOT EXISTS (SELECT 1 FROM ${dashboards} d WHERE d.tenant_id::text = $1::text AND d.name::text = c.name)
       ORDER BY c.place LIMIT $3`,
      [tenant.tenantId, candidates, count],
    );
    if (rows.length > 0) {
      return rows.map(({ name }) => name);
    }
  }
}
