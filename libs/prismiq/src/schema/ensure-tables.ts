import { TenantLockedError } from '../errors/migration.errors.js';
import { SchemaNotFoundError, type SchemaDifference } from '../errors/schema.errors.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import type { SqlTarget } from '../sql/sql-target.js';
import type { TransactionOptions } from '../sql/connection.js';
import { inspectServer } from '../sql/server-version.js';
import { BEGIN_READ_ONLY, settingStatements } from '../sql/session.js';
import { inTransaction } from '../sql/transaction.js';
import { isLockTimeout, translateError } from '../sql/translate-error.js';
import { compareCatalog } from './compare-catalog.js';
import { assertCurrentView, nameOccupants } from './diagnose.js';
import { historyStatements, isHistoryComplete } from './history.js';
import { lockSchema } from './lock-schema.js';
import { readCatalog } from './read-catalog.js';
import { planSchemaRepair, schemaMismatch } from './schema-mismatch.js';
import { assertSchemaName } from './schema-name.js';
import { SCHEMA_VERSIONS, type TableNaming } from './schema-versions.js';

/** @publicApi */
export interface EnsureTablesOptions {
  /**
   * The schema that holds the tables.
   * @default the connection's current schema
   */
  schema?: string | undefined;
  /**
   * Whether to create the schema when it does not exist.
   * @default false
   */
  createSchema?: boolean | undefined;
  /**
   * Whether to repair tables that differ, as far as that changes no row: missing defaults, columns, constraints and indexes
   * are added, those with another name renamed, those with another definition replaced, and character columns widened.
   * @default false
   */
  repair?: boolean | undefined;
  /**
   * Milliseconds to wait for each lock that another process holds, such as a migrator that builds an index.
   * @default 10000
   */
  lockTimeoutMs?: number | undefined;
}

/** @publicApi */
export interface EnsureTablesResult {
  /** The schema that holds the tables. */
  schema: string;
  /** Whether anything was created, recorded or repaired. */
  created: boolean;
  /** The statements that repaired the tables; absent if there were none. */
  repairs?: readonly string[];
}

/** Enough for a table of millions of rows to be checked or repaired. */
const STATEMENT_TIMEOUT_MS = 300_000;

/**
 * Makes sure that a schema holds Prismiq's tables, at the newest version: creates missing tables, checks existing ones, and
 * records the history, so that a later migration continues from there. All or nothing. Can be called at any time, and by many
 * processes at once.
 *
 * @param target where: a MikroORM instance, an EntityManager, a `pg` Pool or a `pg` client; see {@link SqlTarget} for whose
 *   transaction is joined
 * @throws InvalidSchemaNameError, SchemaNotFoundError, SchemaMismatchError (the tables differ,
 *   with the differences and what to do), TenantLockedError, PermissionDeniedError, ConnectionFailedError,
 *   ReadOnlyDatabaseError, StatementTimeoutError, UnsupportedServerError, DatabaseError
 * @publicApi
 */
export async function ensureTables(target: SqlTarget, options: EnsureTablesOptions = {}): Promise<EnsureTablesResult> {
  return inSchema(target, options, (sql, schema) => ensure(sql, schema, options), {
    settings: settingStatements({
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      // All names are qualified. Without a schema, the session's path says which is meant.
      searchPath: options.schema === undefined ? undefined : [],
    }),
  });
}

/**
 * Compares a schema's tables with what this version needs. Writes nothing.
 *
 * @returns the differences; none means that the schema is ready
 * @throws as {@link ensureTables}, except SchemaMismatchError
 * @publicApi
 */
export async function verifyTables(
  target: SqlTarget,
  options: Pick<EnsureTablesOptions, 'schema' | 'lockTimeoutMs'> = {},
): Promise<SchemaDifference[]> {
  return inSchema(
    target,
    options,
    async (sql, schema) => {
      if (!(await schemaExists(sql, schema))) {
        throw new SchemaNotFoundError({ schema });
      }
      return differences(sql, schema);
    },
    { begin: BEGIN_READ_ONLY },
  );
}

const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

async function inSchema<T>(
  target: SqlTarget,
  { schema, lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS }: EnsureTablesOptions,
  work: (sql: SqlExecutor, schema: string) => Promise<T>,
  transaction: TransactionOptions,
): Promise<T> {
  if (schema !== undefined) {
    assertSchemaName(schema);
  }
  if (!Number.isInteger(lockTimeoutMs) || lockTimeoutMs < 1) {
    throw new RangeError(`lockTimeoutMs must be a whole number of milliseconds from 1, but is ${lockTimeoutMs}`);
  }
  let found = schema;
  try {
    return await inTransaction(
      target,
      (sql) =>
        withLockTimeout(sql, lockTimeoutMs, async () => {
          await inspectServer(sql);
          found ??= await currentSchema(sql);
          return work(sql, found);
        }),
      transaction,
    );
  } catch (error) {
    throw isLockTimeout(error)
      ? new TenantLockedError({ schema: found, cause: error })
      : translateError(error, { schema: found });
  }
}

/** The transaction may be the host's, and goes on with its own limit. If the work fails, the limit is rolled back with it. */
async function withLockTimeout<T>(sql: SqlExecutor, milliseconds: number, work: () => Promise<T>): Promise<T> {
  const set = (value: string) => sql.query("SELECT set_config('lock_timeout', $1, true)", [value]);
  const [before] = await sql.query<{ value: string }>("SELECT current_setting('lock_timeout') AS value");
  await set(`${milliseconds}`);
  const result = await work();
  await set(before!.value);
  return result;
}

async function ensure(sql: SqlExecutor, schema: string, options: EnsureTablesOptions): Promise<EnsureTablesResult> {
  const table: TableNaming = (name) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  // First without the lock: a start with nothing to do must not queue behind a long transaction of the host.
  if (await isReady(sql, schema, table)) {
    return { schema, created: false };
  }
  await lockSchema(sql, schema);
  if (!(await schemaExists(sql, schema))) {
    if (options.createSchema !== true) {
      throw new SchemaNotFoundError({ schema });
    }
    await sql.query(`CREATE SCHEMA ${quoteIdentifier(schema)}`);
  }
  const found = await differences(sql, schema);
  if (found.length === 0 && (await isHistoryComplete(sql, schema, table))) {
    return { schema, created: false };
  }
  const repairs = options.repair === true ? repairOrRefuse(schema, found) : [];
  if (options.repair !== true && found.some(({ actual }) => actual !== undefined)) {
    throw schemaMismatch(found, schema);
  }
  for (const statement of [
    ...repairs,
    ...SCHEMA_VERSIONS.flatMap(({ up }) => up(table)),
    ...historyStatements(table),
  ]) {
    await sql.query(statement);
  }
  const left = await differences(sql, schema);
  if (left.length > 0) {
    await assertCurrentView(sql, schema);
    throw schemaMismatch(await nameOccupants(sql, schema, left), schema);
  }
  return { schema, created: true, ...(repairs.length > 0 && { repairs }) };
}

function repairOrRefuse(schema: string, found: SchemaDifference[]): readonly string[] {
  const { statements, unrepairable } = planSchemaRepair(found, schema);
  if (unrepairable.length > 0) {
    throw schemaMismatch(found, schema);
  }
  return statements;
}

async function isReady(sql: SqlExecutor, schema: string, table: TableNaming): Promise<boolean> {
  return (await differences(sql, schema)).length === 0 && isHistoryComplete(sql, schema, table);
}

async function differences(sql: SqlExecutor, schema: string): Promise<SchemaDifference[]> {
  return compareCatalog((await readCatalog(sql, [schema])).get(schema) ?? []);
}

async function currentSchema(sql: SqlExecutor): Promise<string> {
  const [row] = await sql.query<{ schema: string | null }>('SELECT current_schema() AS schema');
  if (row?.schema == null) {
    throw new SchemaNotFoundError({});
  }
  return row.schema;
}

async function schemaExists(sql: SqlExecutor, schema: string): Promise<boolean> {
  return (await sql.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])).length > 0;
}
