import {
  TenantDirectory,
  type DirectorySource,
  type TenantDirectoryFactory,
  type TenantEntry,
} from './tenant-directory.js';

/**
 * Tenants from the host's database, by a `SELECT` with the column `"tenantId"` and, optionally, `schema`, `state`, `ring` and `tags`
 * (see {@link TenantEntry}). Qualify the table with its schema.
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

const ROWS_PER_QUERY = 1000;

class QueryTenantDirectory extends TenantDirectory {
  constructor(
    private readonly source: DirectorySource,
    private readonly select: string,
  ) {
    super();
  }

  override async find(tenantId: string): Promise<TenantEntry | undefined> {
    try {
      // Compared in the type of the column, so that its index is used.
      const [row] = await this.source.query<TenantEntry>(
        `SELECT * FROM (${this.select}\n) AS tenants WHERE "tenantId" = $1`,
        [tenantId],
      );
      return row === undefined ? undefined : withTextId(row);
    } catch (error) {
      if (isInvalidText(error)) {
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
        [last, ROWS_PER_QUERY],
      );
      for (const row of rows) {
        yield withTextId(row);
      }
      last = rows.length < ROWS_PER_QUERY ? undefined : String(rows.at(-1)?.tenantId);
    }
  }
}

/** A host's ids may be numbers. */
const withTextId = (row: TenantEntry): TenantEntry => ({ ...row, tenantId: String(row.tenantId) });

/** SQLSTATE class 22: no tenant has an id that is not a uuid, or not a number in range. */
const isInvalidText = (error: unknown): boolean => /^22/.test(String((error as { code?: unknown }).code));
