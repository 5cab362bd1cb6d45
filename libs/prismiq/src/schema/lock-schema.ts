import { createHash } from 'node:crypto';
import type { SqlExecutor } from '../sql/sql-executor.js';

/**
 * Waits for the right to change Prismiq's tables in one schema, and holds it until the transaction ends. Two sessions that
 * create one table at the same time fail even with IF NOT EXISTS, and one lock for all schemas would make them queue for nothing.
 */
export async function lockSchema(sql: SqlExecutor, schema: string): Promise<void> {
  await sql.query('SELECT pg_advisory_xact_lock($1::bigint)', [schemaLockKey(schema)]);
}

/** The key of a schema's advisory lock, a bigint. */
export function schemaLockKey(schema: string): string {
  return createHash('sha256').update(`prismiq/${schema}`).digest().readBigInt64BE().toString();
}
