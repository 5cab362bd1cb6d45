import type { Configuration } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import type { Kysely, MikroORM, Transaction } from '@mikro-orm/postgresql';
import { DataLossError, MigrationFailedError, MigrationRefusedError } from '../errors/migration.errors.js';
import { isTransient } from '../sql/transient-error.js';
import { PRISMIQ_SOURCE } from './migration-source.js';
import type { SourceMigration } from './migration-set.js';
import { NAMED_SCHEMA } from './prismiq-migrations.js';
import { loadSqlGrammar } from '../sql/statements/grammar.js';
import { readStatements, type Statement } from '../sql/statements/statement.js';

/** The tenant for which a migration runs, and how it runs. */
export interface MigrationScope {
  readonly orm: MikroORM | undefined;
  readonly schema: string;
  readonly direction: 'up' | 'down';
  readonly allowDataLoss: boolean;
  /** Whether Prismiq's own statements name the schema. Those of a plan do not, so that many tenants share them. */
  readonly namesSchema: boolean;
}

/** What a migration needs to send statements itself. */
interface Context {
  readonly transaction: Transaction;
}

/** A migration wants to send a statement itself, but those before it have not been sent yet. */
export class NeedsTransaction extends Error {}

/**
 * Collects the statements of a migration for one tenant, one per string.
 *
 * @param context lets the migration send statements itself
 * @throws NeedsTransaction if it does so without a `context`: call again with one
 */
export async function collectStatements(
  migration: SourceMigration,
  scope: MigrationScope,
  context?: Context,
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
type Query = ReturnType<Migration['getQueries']>[number];
type Driver = MikroORM['driver'];

/** MikroORM's driver and configuration as a migration sees them: bound to the tenant and to its transaction. */
class DriverAccess {
  wasNeeded = false;
  readonly driver: Driver;
  readonly config: Configuration;

  constructor(
    private readonly migration: SourceMigration,
    private readonly scope: MigrationScope,
    private readonly context: Context | undefined,
  ) {
    const { orm, schema } = scope;
    this.driver = withOverrides(
      orm?.driver,
      {
        execute: (query: Query, parameters?: unknown[]) => this.execute(query, parameters),
        createEntityManager: () => this.entityManager(),
      },
      this.missing,
    );
    this.config = withOverrides(
      orm?.config,
      {
        [NAMED_SCHEMA]: scope.namesSchema ? schema : undefined,
        get: (key: string, fallback?: unknown) =>
          key === 'schema' ? schema : this.orm.config.get(key as never, fallback as never),
      },
      this.missing,
    );
  }

  /** A query as text, with its values in it, as MikroORM's own migrator sends it. */
  render(query: Query): string {
    if (typeof query === 'string') {
      return query;
    }
    const { sql, params } = 'toRaw' in query ? query.toRaw() : query;
    return this.orm.driver.getPlatform().formatQuery(sql, params);
  }

  private readonly missing = (): never => {
    throw new MigrationRefusedError(
      this.migration.label,
      'it uses MikroORM, but the migrator was given a pg pool. Give it the MikroORM instance as `database`.',
      { schema: this.scope.schema },
    );
  };

  private get orm(): MikroORM {
    return this.scope.orm ?? this.missing();
  }

  private get transaction(): Transaction {
    this.wasNeeded = true;
    if (this.context === undefined) {
      throw new NeedsTransaction();
    }
    return this.context.transaction;
  }

  private async execute(query: Query, parameters?: unknown[]): Promise<unknown> {
    const { orm, transaction } = this;
    return orm.driver.execute(query as string, parameters, 'all', transaction);
  }

  private entityManager(): ReturnType<Driver['createEntityManager']> {
    const { orm, transaction } = this;
    const em = orm.driver.createEntityManager();
    em.setTransactionContext(transaction);
    return em;
  }
}

/** An object with some of its members replaced; methods see the original, whose private fields a proxy cannot reach. */
function withOverrides<T extends object>(target: T | undefined, overrides: object, missing: () => never): T {
  return new Proxy(target ?? ({} as T), {
    get(object, key) {
      if (key in overrides) {
        return (overrides as Record<PropertyKey, unknown>)[key];
      }
      if (target === undefined) {
        return missing();
      }
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
