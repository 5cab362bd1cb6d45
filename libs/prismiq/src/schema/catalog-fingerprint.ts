import type { SqlExecutor } from '../sql/sql-executor.js';
import { TABLE_NAMES } from './expected-catalog.js';

/**
 * Everything that `read-catalog.ts` reads, as one number for each schema: schemas with the same number have the same tables. It hashes
 * the catalog's columns, which is several times cheaper than letting PostgreSQL write the definitions. The same tables, created by
 * other statements, may have another number.
 */
const FINGERPRINT_QUERY = `
WITH tables AS MATERIALIZED (
  SELECT n.nspname, n.oid AS namespace, c.oid, c.relname, c.relkind
  FROM pg_namespace n
  -- Schema by schema: there may be many more tables of these names than are asked for.
  CROSS JOIN LATERAL (SELECT * FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = ANY($2) OFFSET 0) c
  WHERE n.nspname = ANY($1)
)
SELECT nspname AS schema, bit_xor(hash)::text AS fingerprint FROM (
  SELECT nspname, hash_record_extended(ROW('table'::text, relname, relkind), 0) AS hash FROM tables
  UNION ALL
  SELECT nspname, hash_record_extended(ROW('column'::text, t.relname, a.attnum, a.attname, a.atttypid, a.atttypmod,
    a.attnotnull, a.attidentity, a.attgenerated), 0)
  FROM tables t
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT nspname, hash_record_extended(ROW('default'::text, t.relname, d.adnum, d.adbin::text), 0)
  FROM tables t
  JOIN pg_attrdef d ON d.adrelid = t.oid
  UNION ALL
  SELECT nspname, hash_record_extended(ROW('constraint'::text, t.relname, k.conname, k.contype, k.conkey, k.confkey,
    k.confupdtype, k.confdeltype, k.confmatchtype, k.condeferrable, k.condeferred, k.convalidated, k.connoinherit,
    r.relname, r.relnamespace = t.namespace, k.conbin::text), 0)
  FROM tables t
  JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype <> 'n'
  LEFT JOIN pg_class r ON r.oid = k.confrelid
  UNION ALL
  SELECT nspname, hash_record_extended(ROW('index'::text, t.relname, i.relname, i.relam, x.indisunique, x.indisvalid,
    x.indnatts, x.indnkeyatts, x.indnullsnotdistinct, x.indkey::text, x.indoption::text, x.indclass, x.indcollation, x.indexprs::text,
    x.indpred::text, i.reloptions), 0)
  FROM tables t
  JOIN pg_index x ON x.indrelid = t.oid
  JOIN pg_class i ON i.oid = x.indexrelid
) AS objects
GROUP BY nspname`;

/** The fingerprints of Prismiq's tables, by schema; a schema without such a table is absent. */
export async function readFingerprints(sql: SqlExecutor, schemas: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.query<{ schema: string; fingerprint: string }>(FINGERPRINT_QUERY, [schemas, TABLE_NAMES]);
  return new Map(rows.map(({ schema, fingerprint }) => [schema, fingerprint]));
}
