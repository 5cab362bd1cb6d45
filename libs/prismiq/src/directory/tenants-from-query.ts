import {
  TenantDirectory,
  type DirectorySource,
  type TenantDirectoryFactory,
  type TenantEntry,
} from './tenant-directory.js';

/**
 * Tenants of a table of the host's, by a `SELECT` with the column `"tenantId"` and, if there are such, `schema`, `state`, `ring`
 * and `tags` (see {@link TenantEntry}). Qualify the table with its schema.
 *
 * @example
 * ```ts
 * directory: tenantsFromQuery(`
 *   SELECT id AS "tenantId", CASE WHEN paid THEN 'active' ELSE 'suspended' END AS state FROM public.customers`)
 * ```
 * @publicApi
 */
export const tenantsFromQuery =
  (select: string): TenantDirectoryFactory =>
  (source) =>
    new QueryTenantDirectory(source, select.replace(/(?<![\s;])[\s;]+$/, ''));

const CHUNK = 1000;

class QueryTenantDirectory extends TenantDirectory {
  constructor(
    private readonly source: DirectorySource,
    private readonly select: string,
  ) {
    super();
  }

  override async find(tenantId: string): Promise<TenantEntry | undefined> {
    try {
      // Compared in the column's own type, so that its index serves.
      const [row] = await this.source.query<TenantEntry>(
        `SELECT * FROM (${this.select}\n) AS tenants WHERE "tenantId" = $1`,
        [tenantId],
      );
      return row === undefined ? undefined : withTextId(row);
    } catch (error) {
      if (isNoValueOfItsType(error)) {
        return undefined;
      }
      throw error;
    }
  }

  override async *list(): AsyncIterable<TenantEntry> {
    for (let last: string | undefined = ''; last !== undefined;) {
      const rows: TenantEntry[] = await this.source.query<TenantEntry>(
        `SELECT * FROM (${this.select}\n) AS tenants WHERE "tenantId"::text COLLATE "C" > $1
         ORDER BY "tenantId"::text COLLATE "C" LIMIT $2`,
        [last, CHUNK],
      );
      for (const row of rows) {
        yield withTextId(row);
      }
      last = rows.length < CHUNK ? undefined : String(rows.at(-1)?.tenantId);
    }
  }
}

/** A host's ids may be numbers, or uuids that PostgreSQL writes in its own way. */
const withTextId = (row: TenantEntry): TenantEntry => ({ ...row, tenantId: String(row.tenantId) });

/** SQLSTATE class 22: a text that is no uuid, or no number in range, is the id of nobody. */
const isNoValueOfItsType = (error: unknown): boolean => /^22/.test(String((error as { code?: unknown }).code));
