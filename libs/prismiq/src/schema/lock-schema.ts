import { createHash } from 'node:crypto';
import type { SqlExecutor } from '../sql/sql-executor.js';

/**
 * Takes the lock of one schema until the transaction ends. Two sessions that create the same table at the same time fail even with
 * IF NOT EXISTS, and one lock for all schemas would make them wait without need.
 */
export async function lockSchema(sql: SqlExecutor, schema: string): Promise<void> {
  await sql.query('SELECT pg_advisory_xact_lock($1::bigint)', [schemaLockKey(schema)]);
}

/** The key of a schema's advisory lock, a bigint. */
export function schemaLockKey(schema: string): string {
  return createHash('sha256').update(`prismiq/${schema}`).digest().readBigInt64BE().toString();
}
