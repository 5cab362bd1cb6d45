import { quoteIdentifier } from '../sql/identifier.js';
import type { SqlExecutor } from '../sql/sql-executor.js';

interface TenantTable {
  readonly name: string;
  /** Selects the rows of one tenant in a table that several share, with the tenant's id as `$1`. */
  readonly ownCondition: string | undefined;
}

/**
 * Reads the rows of a tenant in all tables of its schema, each as `table {…}`. In a schema that several tenants share, it reads only
 * the tables with a column `tenant_id`, and those that reference such a table.
 */
export async function readTenantRows(
  sql: SqlExecutor,
  { tenantId, schema }: { tenantId: string; schema: string },
  isShared: boolean,
): Promise<string[]> {
  const rows: string[] = [];
  for (const { name, ownCondition } of await readTables(sql, schema)) {
    if (isShared && ownCondition === undefined) {
      continue;
    }
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
    const where = isShared ? `WHERE ${ownCondition}` : '';
    const found = await sql.query<{ row: string }>(
      `SELECT to_jsonb(t)::text AS row FROM ${table} t ${where}`,
      isShared ? [tenantId] : [],
    );
    rows.push(...found.map(({ row }) => `${name} ${row}`));
  }
  return rows;
}

async function readTables(sql: SqlExecutor, schema: string): Promise<TenantTable[]> {
  const tables = await sql.query<{
    name: string;
    own: boolean;
    fk: string | null;
    parent: string | null;
    key: string | null;
  }>(
    `SELECT c.relname AS name,
       EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS own,
       f.fk, f.parent, f.key
     FROM pg_class c LEFT JOIN LATERAL (
       SELECT child.attname AS fk, p.relname AS parent, parent.attname AS key
       FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid AND p.relnamespace = c.relnamespace
         JOIN pg_attribute child ON child.attrelid = c.oid AND child.attnum = k.conkey[1]
         JOIN pg_attribute parent ON parent.attrelid = p.oid AND parent.attnum = k.confkey[1]
         JOIN pg_attribute t ON t.attrelid = p.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
       WHERE k.conrelid = c.oid AND k.contype = 'f' AND cardinality(k.conkey) = 1 LIMIT 1) f ON true
     WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY c.relname`,
    [schema],
  );
  return tables.map(({ name, own, fk, parent, key }) => {
    const referencesOwn =
      fk === null
        ? undefined
        : `EXISTS (SELECT 1 FROM ${quoteIdentifier(schema)}.${quoteIdentifier(parent!)} p
             WHERE p.${quoteIdentifier(key!)} = t.${quoteIdentifier(fk)} AND p.tenant_id::text = $1)`;
    return { name, ownCondition: own ? 't.tenant_id::text = $1' : referencesOwn };
  });
}
