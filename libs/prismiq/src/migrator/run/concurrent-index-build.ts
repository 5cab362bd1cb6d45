import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationFailedError, MigrationRefusedError } from '../../errors/migration.errors.js';
import { quoteIdentifier } from '../../sql/identifier.js';
import type { FleetDatabase } from '../migrator-database.js';
import type { SourceMigration } from '../../migrations/migration-set.js';
import { readStatements } from '../../sql/statements/statement.js';
import { namedFailure } from './tenant-transaction.js';

const LOOK_EVERY_MS = 200;

/**
 * Runs a migration that no transaction can hold, such as CREATE INDEX CONCURRENTLY. The caller holds the schema's lock in a
 * transaction that is idle meanwhile: at READ COMMITTED it has no snapshot then, so nothing waits for it.
 *
 * No setting can go along, since outside of a transaction it would stay behind on a pooler's connection. So the tenant's schema has
 * to be written out, and somebody else has to watch the time.
 */
export async function runConcurrently(
  database: FleetDatabase,
  migration: SourceMigration,
  statements: readonly string[],
  schema: string,
  lockTimeoutMs: number,
): Promise<void> {
  statements.forEach((statement) => assertRepeatable(statement, migration, schema));
  for (const statement of statements) {
    const send = (sql: string) => watched(database, sql, migration, schema, lockTimeoutMs);
    const index = readStatements(statement)
      .flatMap(({ relations }) => relations)
      .find(({ isIndex, role }) => isIndex && role === 'created')?.name;
    await dropInvalid(database, index, schema, send);
    try {
      await send(statement);
    } catch (error) {
      await dropInvalid(database, index, schema, send).catch(() => undefined);
      throw namedFailure(error, migration, schema, statement);
    }
  }
}

/** Whoever is killed between such a statement and its record does it again the next time. */
function assertRepeatable(statement: string, { label }: SourceMigration, schema: string): void {
  const refuse = (problem: string): never => {
    throw new MigrationRefusedError(label, `${problem}. The statement is: ${statement}`, { schema });
  };
  if (readStatements(statement).some(({ isConcurrent, isRepeatable }) => isConcurrent && !isRepeatable)) {
    refuse('it cannot be repeated, which is what happens if the process is killed; add IF NOT EXISTS, or IF EXISTS');
  }
  const relations = readStatements(statement).flatMap(({ relations }) => relations);
  if (relations.length === 0 || relations.some((relation) => relation.schema !== schema)) {
    refuse(
      'it is not transactional, and has to name the schema, as there is no search_path outside of a transaction: ' +
        "`create index concurrently if not exists … on ${this.config.get('schema')}.orders (…)`",
    );
  }
}

/** An index that could not be built stays behind, invalid, and IF NOT EXISTS would take it for a good one. */
async function dropInvalid(
  database: FleetDatabase,
  index: string | undefined,
  schema: string,
  send: (sql: string) => Promise<void>,
): Promise<void> {
  if (index === undefined) {
    return;
  }
  const found = await database.query(
    `SELECT 1 FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     WHERE n.nspname = $1 AND i.relname = $2 AND NOT x.indisvalid`,
    [schema, index],
  );
  if (found.length > 0) {
    await send(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteIdentifier(schema)}.${quoteIdentifier(index)}`);
  }
}

/** Sends a statement, and cancels it when it has waited for a lock for too long. */
async function watched(
  database: FleetDatabase,
  sql: string,
  migration: SourceMigration,
  schema: string,
  lockTimeoutMs: number,
): Promise<void> {
  const tag = `/* prismiq ${randomUUID()} */`;
  const end = new AbortController();
  const watch = watchLocks(database, tag, lockTimeoutMs, end.signal);
  try {
    await database.query(`${tag} ${sql}`);
  } catch (error) {
    end.abort();
    if (await watch) {
      throw new MigrationFailedError(migration.label, `canceled, as it waited for a lock. The statement is: ${sql}`, {
        schema,
        sqlState: '55P03',
        cause: error,
      });
    }
    throw error;
  } finally {
    end.abort();
    await watch;
  }
}

/**
 * By the text of the statement and not by the connection's process, which behind a pooler is not always the same.
 *
 * @returns whether the statement was canceled
 */
async function watchLocks(
  database: FleetDatabase,
  tag: string,
  lockTimeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  let waitingSince: number | undefined;
  let canceled = false;
  while (await sleep(LOOK_EVERY_MS, !signal.aborted, { signal }).catch(() => false)) {
    // A look that fails is none: the statement itself will tell what is wrong with the connection.
    const [row] = await database
      .query<{ waiting: boolean; pid: number }>(
        `SELECT pid, wait_event_type IS NOT DISTINCT FROM 'Lock' AS waiting FROM pg_stat_activity
         WHERE starts_with(query, $1) AND state = 'active'`,
        [tag],
      )
      .catch(() => []);
    waitingSince = row?.waiting === true ? (waitingSince ?? performance.now()) : undefined;
    if (row !== undefined && waitingSince !== undefined && performance.now() - waitingSince >= lockTimeoutMs) {
      await database.query('SELECT pg_cancel_backend($1)', [row.pid]).catch(() => undefined);
      canceled = true;
    }
  }
  return canceled;
}
