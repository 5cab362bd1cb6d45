import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlExecutor } from '../sql/sql-executor.js';

const LONGEST_PAUSE = 200;

/**
 * Waits for the right to change Prismiq's tables in one schema, and holds it until the transaction ends. Two sessions that
 * create one table at the same time fail even with IF NOT EXISTS, and one lock for all schemas would make them queue for nothing.
 *
 * It asks again and again: a session that PostgreSQL makes wait has a snapshot, for whose end CREATE INDEX CONCURRENTLY waits,
 * and the migrator holds this very lock while it runs one.
 */
export async function lockSchema(sql: SqlExecutor, schema: string): Promise<void> {
  for (let pause = 5; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const [row] = await sql.query<{ locked: boolean }>('SELECT pg_try_advisory_xact_lock($1::bigint) AS locked', [
      schemaLockKey(schema),
    ]);
    if (row!.locked) {
      return;
    }
    await sleep(pause);
  }
}

/** The advisory lock of a schema, as text: a bigint. */
export function schemaLockKey(schema: string): string {
  return createHash('sha256').update(`prismiq/${schema}`).digest().readBigInt64BE().toString();
}
