import type { Kysely, Transaction } from '@mikro-orm/postgresql';
import { DataLossError, MigrationFailedError, MigrationRefusedError } from '../errors/migration.errors.js';
import { isTransient } from '../sql/transient-error.js';
import { DriverAccess, NeedsTransaction, type MigrationScope, type TransactionContext } from './driver-access.js';
import { PRISMIQ_SOURCE } from './migration-source.js';
import type { SourceMigration } from './migration-set.js';
import { loadSqlGrammar } from '../sql/statements/grammar.js';
import { readStatements, type Statement } from '../sql/statements/statement.js';

/**
 * Collects the statements of a migration for one tenant, one per string.
 *
 * @param context lets the migration send statements itself
 * @throws NeedsTransaction if it does so without a `context`: call again with one
 */
export async function collectStatements(
  migration: SourceMigration,
  scope: MigrationScope,
  context?: TransactionContext,
): Promise<string[]> {
  await loadSqlGrammar();
  let refusal: unknown;
  const read = (sql: string): readonly Statement[] => {
    const statements = readStatements(sql, scope.schema);
    try {
      statements.forEach((statement) => assertAllowed(statement, migration, scope));
    } catch (error) {
      // MikroORM wraps it, and a migration may catch it.
      refusal ??= error;
      throw error;
    }
    return statements;
  };
  const access = new DriverAccess(migration, scope, context);
  const instance = new migration.class(access.driver, access.config);
  let failure: unknown;
  try {
    if (context === undefined) {
      await instance[scope.direction]();
    } else {
      instance.setTransactionContext(context.transaction);
      await whileWatching(context.transaction, read, async () => instance[scope.direction]());
    }
  } catch (error) {
    failure = error;
  }
  // Even if the migration has caught the error.
  if (access.wasNeeded && context === undefined) {
    throw new NeedsTransaction();
  }
  if (refusal !== undefined) {
    throw refusal;
  }
  if (failure !== undefined) {
    throw isHostError(failure)
      ? new MigrationFailedError(migration.label, failure.message, { schema: scope.schema, cause: failure })
      : failure;
  }
  return instance
    .getQueries()
    .flatMap((query) => read(access.render(query)))
    .map(({ sql }) => sql);
}

/** The statements of a migration, undefined if it sends some itself: then they are collected in its transaction. */
export interface PreparedMigration {
  readonly migration: SourceMigration;
  readonly statements: readonly string[] | undefined;
}

/**
 * Collects the statements of a migration, if that needs no transaction.
 *
 * @param sendsItself migrations known to send statements themselves; a new one is added
 */
export async function prepare(
  migration: SourceMigration,
  scope: MigrationScope,
  sendsItself: Set<SourceMigration>,
): Promise<PreparedMigration> {
  if (!sendsItself.has(migration)) {
    try {
      return { migration, statements: await collectStatements(migration, scope) };
    } catch (error) {
      if (!(error instanceof NeedsTransaction)) {
        throw error;
      }
      sendsItself.add(migration);
    }
  }
  return { migration, statements: undefined };
}

/** Whether Prismiq's tables may differ afterwards. */
export const concernsPrismiq = ({ migration, statements }: PreparedMigration): boolean =>
  migration.source === PRISMIQ_SOURCE ||
  statements === undefined ||
  statements.flatMap((sql) => readStatements(sql)).some(mayAlterPrismiqTables);

const mayAlterPrismiqTables = ({ relations, reachesFurther }: Statement): boolean =>
  reachesFurther ||
  relations.some(({ name, isIndex, role }) => name.startsWith('prismiq_') || (isIndex && role !== 'created'));

/** Whether the migration's own code failed, not the database. */
const isHostError = (error: unknown): error is Error =>
  error instanceof Error && !('code' in error && typeof error.code === 'string') && !isTransient(error);

function assertAllowed(
  { sql, forbiddenReason, dataLoss }: Statement,
  { label }: SourceMigration,
  { schema, direction, allowDataLoss }: MigrationScope,
): void {
  if (forbiddenReason !== undefined) {
    throw new MigrationRefusedError(label, `${forbiddenReason}. The statement is: ${sql}`, { schema });
  }
  if (direction === 'down' && !allowDataLoss && dataLoss !== undefined) {
    throw new DataLossError(label, sql, dataLoss, { schema });
  }
}

/**
 * Runs `work`, and passes each statement that it sends in the transaction to `read`, whether by an EntityManager, Kysely or a
 * stream. If `read` throws, the statement is not sent.
 */
async function whileWatching(
  transaction: Transaction,
  read: (sql: string) => unknown,
  work: () => Promise<void>,
): Promise<void> {
  const executor = (transaction as unknown as Kysely<unknown>).getExecutor();
  const connection = await executor.provideConnection(async (connection) => connection);
  const { executeQuery, streamQuery } = connection;
  connection.executeQuery = async <Row>(...[query, options]: Parameters<typeof executeQuery>) => {
    // MikroORM sends savepoints for nested transactions.
    if (!/^(savepoint|release|rollback to) "/.test(query.sql)) {
      read(query.sql);
    }
    return (await executeQuery.call(connection, query, options)) as QueryResult<Row>;
  };
  connection.streamQuery = <Row>(...[query, size, options]: Parameters<typeof streamQuery>) => {
    read(query.sql);
    return streamQuery.call(connection, query, size, options) as AsyncIterableIterator<QueryResult<Row>>;
  };
  try {
    await work();
  } finally {
    Object.assign(connection, { executeQuery, streamQuery });
  }
}

type QueryResult<Row> = Awaited<ReturnType<typeof Kysely.prototype.executeQuery<Row>>>;
