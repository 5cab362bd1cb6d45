import type { Transaction } from '@mikro-orm/postgresql';
import { MigrationFailedError } from '../../errors/migration.errors.js';
import { nameOccupants } from '../../schema/diagnose.js';
import { createHistory } from '../../schema/history.js';
import { schemaLockKey } from '../../schema/lock-schema.js';
import { schemaMismatch } from '../../schema/schema-mismatch.js';
import { quoteIdentifier, quoteLiteral } from '../../sql/identifier.js';
import { BEGIN, settingStatements } from '../../sql/session.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { readStatements } from '../../sql/statements/statement.js';
import type { MigrationSource } from '../../migrations/migration-source.js';
import type { MigrationSet, SourceMigration } from '../../migrations/migration-set.js';
import type { MigrationScope } from '../../migrations/driver-access.js';
import { collectStatements, type PreparedMigration } from '../../migrations/migration-statements.js';
import type { TenantInspector } from '../inspect/tenant-inspector.js';
import { differencesAt } from '../inspect/tenant-migration-state.js';
import { getSqlState } from '../../sql/sql-state.js';
import { assertHistory, lockOrFail } from './tenant-assertions.js';

/** Settings of all transactions of a run. */
export interface TransactionSettings {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Schemas after the tenant's. */
  readonly searchPath: readonly string[];
  /** Further settings, such as Citus has, by name. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A statement, and the migration that it belongs to. */
interface Command {
  readonly sql: string;
  readonly migration?: SourceMigration;
}

/** The work on one tenant in one transaction, sent in as few calls as the server allows. */
export class TenantTransaction {
  #commands: Command[] = [];

  /**
   * @param context of a transaction that has begun; without it, BEGIN and COMMIT are sent with the rest
   * @param oneByOne whether each statement is sent alone: Citus requires it, and the one that fails can be named
   */
  constructor(
    readonly sql: SqlExecutor,
    private readonly context: Transaction | undefined,
    private readonly scope: MigrationScope,
    private readonly oneByOne: boolean,
  ) {}

  private readonly table = (name: string): string => `${quoteIdentifier(this.scope.schema)}.${quoteIdentifier(name)}`;

  /** Takes the schema's lock, or fails if another session has it, and asserts that the histories are what was read before. */
  begin(
    digests: ReadonlyMap<string, string>,
    sources: readonly MigrationSource[],
    settings: TransactionSettings,
  ): void {
    const { schema } = this.scope;
    if (this.context === undefined) {
      this.add(BEGIN);
    }
    this.add(
      ...settingStatements({ ...settings, searchPath: [schema, ...settings.searchPath] }),
      ...Object.entries(settings.parameters).map(([name, value]) => `SET LOCAL ${name} = ${value}`),
      lockOrFail(schemaLockKey(schema)),
      ...sources.map(({ name, historyTable }) => assertHistory(schema, historyTable, digests.get(name))),
    );
  }

  createSchema(): void {
    this.add(`CREATE SCHEMA ${quoteIdentifier(this.scope.schema)}`);
  }

  createHistory(historyTable: string): void {
    this.add(createHistory(this.table, historyTable));
  }

  /** Adds a statement that repairs Prismiq's tables. */
  repair(sql: string): void {
    this.add(sql);
  }

  record({ historyTable, name }: SourceMigration): void {
    this.add(`INSERT INTO ${this.table(historyTable)} (name) VALUES (${quoteLiteral(name)})`);
  }

  unrecord({ historyTable, name }: SourceMigration): void {
    const names = [name, `${name}.js`, `${name}.ts`].map(quoteLiteral);
    this.add(`DELETE FROM ${this.table(historyTable)} WHERE name IN (${names.join(', ')})`);
  }

  /** Adds what a migration does. */
  async run({ migration, statements }: PreparedMigration): Promise<void> {
    if (statements === undefined) {
      await this.flush();
    }
    const given =
      statements ??
      (await this.named(migration, () => collectStatements(migration, this.scope, { transaction: this.context! })));
    this.#commands.push(...given.map((sql) => ({ sql, migration })));
  }

  async commit(): Promise<void> {
    if (this.context === undefined) {
      this.add('COMMIT');
    }
    await this.flush();
  }

  /** Sends what was added. */
  async flush(): Promise<void> {
    const commands = this.#commands;
    this.#commands = [];
    if (this.oneByOne) {
      for (const { sql, migration } of commands) {
        await this.named(migration, () => this.sql.query(sql), sql);
      }
    } else {
      for (const batch of toBatches(commands, this.scope.schema)) {
        // A statement may end with a line comment.
        await this.sql.query(batch.map(({ sql }) => sql).join('\n;\n'));
      }
    }
  }

  /** Asserts that Prismiq's tables match the version that these migrations make. */
  async verify(present: ReadonlySet<string>, set: MigrationSet, inspector: TenantInspector): Promise<void> {
    const { schema } = this.scope;
    const tables = await inspector.compare(this.sql, schema);
    const differences = differencesAt(present, tables, set);
    if (differences.length > 0) {
      throw schemaMismatch(await nameOccupants(this.sql, schema, [...differences]), schema);
    }
  }

  private add(...statements: string[]): void {
    this.#commands.push(...statements.map((sql) => ({ sql })));
  }

  private async named<T>(migration: SourceMigration | undefined, work: () => Promise<T>, sql?: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw migration === undefined ? error : namedFailure(error, migration, this.scope.schema, sql);
    }
  }
}

/** A text that the grammar does not know goes alone. */
function toBatches(commands: readonly Command[], schema: string): Command[][] {
  const batches: Command[][] = [];
  let isOpen = false;
  for (const command of commands) {
    const isKnown = command.migration === undefined || readStatements(command.sql, schema)[0]?.kind !== undefined;
    if (isOpen && isKnown) {
      batches.at(-1)!.push(command);
    } else {
      batches.push([command]);
    }
    isOpen = isKnown;
  }
  return batches;
}

/** Says in which migration a statement has failed. */
export function namedFailure(error: unknown, { label }: SourceMigration, schema: string, sql?: string): unknown {
  const sqlState = getSqlState(error);
  if (sqlState === undefined) {
    return error;
  }
  const statement = sql === undefined ? '' : `. The statement is: ${sql}`;
  return new MigrationFailedError(label, `${(error as Error).message} (SQLSTATE ${sqlState})${statement}`, {
    schema,
    sqlState,
    cause: error,
  });
}
