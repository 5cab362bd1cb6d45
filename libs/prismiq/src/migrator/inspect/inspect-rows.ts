import { quoteIdentifier } from '../../sql/identifier.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';

/** The ids of the tenants in each schema. */
export type SchemaTenants = ReadonlyMap<string, readonly string[]>;

interface Table {
  readonly schema: string;
  readonly table: string;
  readonly hidesRows: boolean;
}

/** The tables with a tenant_id. */
const TABLES_WITH_TENANT = ['prismiq_dashboards', 'prismiq_saved_queries'];

/** A statement locks each table and index that it reads, and PostgreSQL has room for some thousand locks. */
const TABLES_PER_STATEMENT = 100;

/**
 * Problems with the rows of some schemas, by schema: rows of a tenant that does not belong there, as after a schema was renamed by
 * hand, and which nobody sees; and row security that hides rows from the role. Reads two entries of an index of each table, and
 * writes nothing.
 */
export async function inspectRows(sql: SqlExecutor, tenants: SchemaTenants): Promise<Map<string, string[]>> {
  const problems = new Map<string, string[]>();
  const report = (schema: string, problem: string) => {
    problems.set(schema, [...(problems.get(schema) ?? []), problem]);
  };
  const tables = await readTables(sql, [...tenants.keys()]);
  for (const { schema, table } of tables.filter(({ hidesRows }) => hidesRows)) {
    report(
      schema,
      `Row security hides rows of ${table} from this role. Connect as the owner of the table or as a role with BYPASSRLS, or drop ` +
        'the policies: Prismiq filters by tenant_id itself.',
    );
  }
  // What a policy hides, or fails on, says nothing.
  const readable = tables.filter(({ hidesRows }) => !hidesRows);
  for (const [table, ends] of await readEnds(sql, readable)) {
    const owners = tenants.get(table.schema)!;
    const ids = owners.length === 1 ? ends.filter((id) => id !== owners[0]) : await foreignIds(sql, table, owners);
    if (ids.length > 0) {
      report(table.schema, foreignRows(table, ids, owners));
    }
  }
  return problems;
}

async function foreignIds(sql: SqlExecutor, table: Table, owners: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    `SELECT DISTINCT tenant_id::text AS id FROM ${qualified(table)} WHERE tenant_id <> ALL($1) ORDER BY 1 LIMIT 3`,
    [owners],
  );
  return rows.map(({ id }) => id);
}

function foreignRows({ schema, table }: Table, ids: readonly string[], owners: readonly string[]): string {
  const names = ids.map((id) => JSON.stringify(id)).join(', ');
  const owner = owners.length === 1 ? `tenant ${JSON.stringify(owners[0])}` : 'its tenants';
  return (
    `Schema "${schema}" belongs to ${owner}, but ${table} has rows of ${names}, which nobody sees. If the schema was renamed, rename it ` +
    'back; if the tenant was, update tenant_id; otherwise move the rows to their own schema.'
  );
}

/** The schemas that hold rows of one tenant alone, by that tenant: one whose schema is missing may have been renamed. */
export async function schemasByTenant(sql: SqlExecutor, schemas: readonly string[]): Promise<Map<string, string>> {
  const ids = new Map<string, Set<string>>();
  for (const [{ schema }, ends] of await readEnds(sql, await readTables(sql, schemas))) {
    ids.set(schema, new Set([...(ids.get(schema) ?? []), ...ends]));
  }
  return new Map([...ids].flatMap(([schema, [id, ...others]]) => (id && others.length === 0 ? [[id, schema]] : [])));
}

function readTables(sql: SqlExecutor, schemas: readonly string[]): Promise<Table[]> {
  return sql.query<Table>(
    `SELECT n.nspname::text AS schema, c.relname::text AS "table", row_security_active(c.oid) AS "hidesRows"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY($1) AND c.relname = ANY($2) AND c.relkind IN ('r', 'p') 
       AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
       AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
         AND a.atttypid IN ('text'::regtype, 'varchar'::regtype))
     ORDER BY 1, 2`,
    [schemas, TABLES_WITH_TENANT],
  );
}

const qualified = ({ schema, table }: Table): string => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;

/** The first and the last tenant id of each table, in the order of its index: if they are the same, all are. */
async function readEnds(sql: SqlExecutor, tables: readonly Table[]): Promise<[Table, string[]][]> {
  const found: [Table, string[]][] = [];
  for (let start = 0; start < tables.length; start += TABLES_PER_STATEMENT) {
    const chunk = tables.slice(start, start + TABLES_PER_STATEMENT);
    const rows = await sql.query<{ index: number; first: string | null; last: string | null }>(
      chunk
        .map(
          (table, i) =>
            `SELECT ${i} AS index, min(tenant_id) AS first, max(tenant_id) AS last FROM ${qualified(table)}`,
        )
        .join(' UNION ALL '),
    );
    for (const { index, first, last } of rows) {
      found.push([chunk[index]!, [...new Set([first, last])].filter((id) => id !== null)]);
    }
  }
  return found;
}
