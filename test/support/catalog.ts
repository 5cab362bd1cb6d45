import type { TestDatabase } from './test-database.js';

/**
 * Everything in a schema as pg_catalog has it: written apart from the library's own reading of the catalog, so that the two
 * check each other. Columns in order.
 */
export async function describeCatalog(database: TestDatabase, schema: string): Promise<string[]> {
  const rows = await database.query<{ line: string }>(
    `SELECT format('column %s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')) AS line,
       1 AS kind, c.relname AS name, a.attnum AS position
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relname <> 'prismiq_migrations'
     UNION ALL
     SELECT format('constraint %s.%s %s', c.relname, k.conname, pg_get_constraintdef(k.oid)), 2, k.conname, 0
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE c.relnamespace = $1::regnamespace AND k.contype <> 'n' AND c.relname <> 'prismiq_migrations'
     UNION ALL
     SELECT format('index %s', indexdef), 3, indexname, 0 FROM pg_indexes WHERE schemaname = $2 AND tablename <> 'prismiq_migrations'
     UNION ALL
     SELECT format('trigger %s', tgname), 4, tgname, 0 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = $1::regnamespace AND NOT tgisinternal
     UNION ALL
     SELECT format('function %s', proname), 5, proname, 0 FROM pg_proc WHERE pronamespace = $1::regnamespace
     UNION ALL
     SELECT format('sequence %s', c.relname), 6, c.relname, 0 FROM pg_class c
     WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'S' AND c.relname NOT LIKE 'prismiq_migrations%'
     ORDER BY kind, name, position`,
    [`"${schema}"`, schema],
  );
  return rows.map(({ line }) => line.replaceAll(`${schema}.`, ''));
}

/** The names of all schemas but PostgreSQL's own. */
export async function schemaNames(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
