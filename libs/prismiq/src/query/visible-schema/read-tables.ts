import type { SqlExecutor } from '../../sql/sql-executor.js';

/** A table as it stands in the catalog. */
export interface CatalogTable {
  readonly name: string;
  /** `relkind`. */
  readonly kind: 'r' | 'p' | 'v' | 'm' | 'f';
  /** In the order of the table. */
  readonly columns: readonly CatalogColumn[];
  readonly foreignKeys: readonly CatalogForeignKey[];
}

/** A tuple, because there are many: name, whether it may be null, whether it is part of the primary key, its type. */
export type CatalogColumn = readonly [name: string, isNullable: boolean, isPrimaryKey: boolean, type: CatalogType];

/** `schema` is null for the schema of the table; `category` is `typcategory`; `spelling` is that of the SQL standard, for types of PostgreSQL. */
export type CatalogType = readonly [
  schema: string | null,
  name: string,
  category: string,
  spelling: string | null,
  isSortable: boolean,
];

export type CatalogForeignKey = readonly [fromColumn: string, toTable: string, toColumn: string];

/** The tables of a schema, and what differs between tenants that have the same ones. */
export interface CatalogTables {
  readonly tables: readonly CatalogTable[];
  readonly rowCounts: ReadonlyMap<string, number | null>;
}

/**
 * Reads the tables with some names. pg_catalog is qualified, because a session may have any search_path. Types are those under all
 * domains. A type is sortable by an operator class of its own, or of a type of which it is a mere variant, as varchar is of text.
 * Partitions and what belongs to extensions are left out.
 */
const TABLES_QUERY = `
SELECT c.relname AS name, c.relkind AS kind, c.reltuples::float8 AS rows,
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, NOT (a.attnotnull OR declared.typnotnull),
      EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey::int2[])),
      pg_catalog.json_build_array(
        CASE WHEN t.typnamespace <> c.relnamespace THEN n.nspname END, t.typname, t.typcategory,
        CASE WHEN n.nspname = 'pg_catalog' THEN pg_catalog.format_type(t.oid, NULL) END,
        EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
          WHERE m.amname = 'btree' AND o.opcdefault AND (o.opcintype = element.oid
            OR element.typtype = 'e' AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype
            OR element.typtype = 'r' AND o.opcintype = 'pg_catalog.anyrange'::pg_catalog.regtype
            OR element.typtype = 'm' AND o.opcintype = 'pg_catalog.anymultirange'::pg_catalog.regtype
            OR EXISTS (SELECT FROM pg_catalog.pg_cast v WHERE v.castsource = element.oid AND v.casttarget = o.opcintype
              AND v.castmethod = 'b' AND v.castcontext = 'i'))))) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type declared ON declared.oid = a.atttypid
    JOIN pg_catalog.pg_type t ON t.oid = (
      WITH RECURSIVE base (oid, typtype, typbasetype) AS (
        SELECT declared.oid, declared.typtype, declared.typbasetype
        UNION ALL
        SELECT d.oid, d.typtype, d.typbasetype FROM base JOIN pg_catalog.pg_type d ON d.oid = base.typbasetype WHERE base.typtype = 'd')
      SELECT base.oid FROM base WHERE base.typtype <> 'd')
    JOIN pg_catalog.pg_type element ON element.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(f.attname, r.relname, x.attname) ORDER BY k.conname, u.position)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class r ON r.oid = k.confrelid AND r.relnamespace = c.relnamespace
    CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY AS u (a, b, position)
    JOIN pg_catalog.pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = u.a
    JOIN pg_catalog.pg_attribute x ON x.attrelid = k.confrelid AND x.attnum = u.b
    WHERE k.conrelid = c.oid AND k.contype = 'f') AS keys
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY c.relname COLLATE "C"`;

interface Row {
  readonly name: string;
  readonly kind: CatalogTable['kind'];
  readonly rows: number;
  readonly columns: readonly CatalogColumn[] | null;
  readonly keys: readonly CatalogForeignKey[] | null;
}

export async function readTables(sql: SqlExecutor, schema: string, names: readonly string[]): Promise<CatalogTables> {
  const rows = await sql.query<Row>(TABLES_QUERY, [schema, names]);
  return {
    tables: rows.map(({ name, kind, columns, keys }) => ({
      name,
      kind,
      columns: columns ?? [],
      foreignKeys: keys ?? [],
    })),
    rowCounts: new Map(rows.map(({ name, kind, rows }) => [name, kind === 'v' ? null : Math.max(0, Math.round(rows))])),
  };
}
