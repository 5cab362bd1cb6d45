import type { SqlExecutor } from '../sql/sql-executor.js';
import { TABLE_NAMES, type CatalogObject } from './expected-catalog.js';

/**
 * Reads the definitions of Prismiq's tables in some schemas. It uses pg_catalog, because information_schema hides what the role does
 * not own, and has no indexes. Definitions are in PostgreSQL's words and without the schema, so that schemas can be compared, and without
 * the quotes that a session may ask for. NOT
 * NULL constraints, which have names since PostgreSQL 18, are left out: the column has them.
 */
const CATALOG_QUERY = `
WITH tables (oid, kind, namespace, schema, "table") AS (
  SELECT c.oid, c.relkind, n.oid, n.nspname, c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ANY($1) AND c.relname = ANY($2)
    AND (SELECT set_config('quote_all_identifiers', 'off', true)) = 'off'
)
SELECT schema, "table", 'table' AS kind, "table" AS name,
  CASE t.kind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
    WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'relation of kind ' || t.kind::text END AS definition
FROM tables t
UNION ALL
SELECT schema, "table", 'column', a.attname,
  format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE WHEN a.attidentity <> '' THEN ' identity' WHEN a.attgenerated <> '' THEN ' generated'
       ELSE coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') END
FROM tables t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
UNION ALL
SELECT schema, "table", 'constraint', k.conname,
  CASE WHEN r.relnamespace = t.namespace
    THEN replace(pg_get_constraintdef(k.oid), 'REFERENCES ' || quote_ident(schema) || '.', 'REFERENCES ')
    ELSE pg_get_constraintdef(k.oid) END
FROM tables t
JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype <> 'n'
LEFT JOIN pg_class r ON r.oid = k.confrelid
UNION ALL
SELECT schema, "table", 'index', i.relname,
  CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END || substring(pg_get_indexdef(i.oid) FROM 'USING .*')
    || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
FROM tables t
JOIN pg_index x ON x.indrelid = t.oid
JOIN pg_class i ON i.oid = x.indexrelid
WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k
  WHERE k.conrelid = t.oid AND k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))`;

/** The catalog objects of Prismiq's tables, by schema; a schema without such a table is absent. */
export async function readCatalog(sql: SqlExecutor, schemas: readonly string[]): Promise<Map<string, CatalogObject[]>> {
  const rows = await sql.query<CatalogObject & { schema: string }>(CATALOG_QUERY, [schemas, TABLE_NAMES]);
  const bySchema = new Map<string, CatalogObject[]>();
  for (const { schema, definition, ...rest } of rows) {
    // Where the session's path has something of the same name, PostgreSQL names its own schema.
    const object = { ...rest, definition: definition.replaceAll('pg_catalog.', '') };
    const objects = bySchema.get(schema);
    if (objects === undefined) {
      bySchema.set(schema, [object]);
    } else {
      objects.push(object);
    }
  }
  return bySchema;
}
