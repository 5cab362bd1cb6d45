import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplicationContext } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/core';
import type { MikroORM as PostgreSqlMikroORM } from '@mikro-orm/postgresql';
import { getPrismiqToken } from '../prismiq.decorators.js';
import { TABLE_NAMES } from '../schema/expected-catalog.js';
import { PRISMIQ_HISTORY_TABLE } from '../schema/history.js';
import { TenantContext } from '../tenancy/tenant-context.js';
import { loadSqlGrammar } from '../sql/statements/grammar.js';
import type { RelationName } from '../sql/statements/relations.js';
import { scanNames } from '../sql/statements/scan-names.js';
import { isTrue, resolveValue, type SettingChange } from '../sql/statements/session-changes.js';
import { readStatements, type Statement } from '../sql/statements/statement.js';
import { UnsafeStatementError } from './unsafe-statement.error.js';
import { watchConnections, type Watched } from './watch-connections.js';

/** For {@link SqlGuard.create}. @publicApi */
export interface SqlGuardOptions {
  /** The tenant in context when a statement is sent: `() => tenantContext.current()`. */
  tenant: () => { readonly tenantId?: string | undefined; readonly schema: string } | undefined;
  /**
   * The host's own tables in the tenants' schemas. Prismiq's are always guarded.
   * @default none
   */
  tables?: Iterable<string> | undefined;
}

/** For {@link SqlGuard.of}. @publicApi */
export interface SqlGuardOfOptions {
  /**
   * The host's own tables in the tenants' schemas, beside those of its entities with `schema: '*'`.
   * @default none
   */
  tables?: Iterable<string> | undefined;
  /**
   * The `contextName` of the registration to guard.
   * @default the registration without a name
   */
  contextName?: string | undefined;
}

/**
 * Refuses, in tests, each statement that could reach the wrong tenant: one that names a tenant's table without its schema, in
 * `public`, or in another schema than that of the tenant in context; and one that changes `search_path` for longer than its
 * transaction. It reads the bodies of functions and DO blocks, too. A refused statement is not sent: the call fails with an
 * {@link UnsafeStatementError}, which is also added to {@link violations}, in case the application catches it.
 *
 * Where all tenants share a schema, the schema of a statement does not tell whose rows it touches. Use {@link checkIsolation} there.
 *
 * @example
 * ```ts
 * const guard = await SqlGuard.of(app, { tables: ['orders'] });
 * afterAll(() => expect(guard.violations).toEqual([]));
 * ```
 * @publicApi
 */
export class SqlGuard implements Disposable {
  /** What was refused so far. */
  readonly violations: UnsafeStatementError[] = [];
  readonly #tenant: SqlGuardOptions['tenant'];
  readonly #tables: ReadonlySet<string>;
  readonly #exempt = new AsyncLocalStorage<boolean>();
  readonly #ends: (() => void)[] = [];

  /** Guards what an application sends through its MikroORM: EntityManagers, Kysely, and the repositories of this package. */
  static async of(
    app: INestApplicationContext,
    { tables = [], contextName }: SqlGuardOfOptions = {},
  ): Promise<SqlGuard> {
    const token = contextName === undefined ? MikroORM : `${contextName}_MikroORM`;
    const orm = app.get<PostgreSqlMikroORM>(token as typeof MikroORM, { strict: false });
    const tenants = app.get<TenantContext>(getPrismiqToken(TenantContext, contextName), { strict: false });
    const entities = [...orm.getMetadata().getAll().values()].filter(({ schema }) => schema === '*');
    const guard = await SqlGuard.create({
      tenant: () => tenants.current(),
      tables: [...tables, ...entities.map(({ tableName }) => tableName)],
    });
    guard.watch(await orm.em.getConnection('write').getNativeClient());
    return guard;
  }

  /**
   * A guard for connections that you choose: see {@link watch}.
   *
   * @throws SqlGrammarMissingError
   */
  static async create(options: SqlGuardOptions): Promise<SqlGuard> {
    await loadSqlGrammar();
    return new SqlGuard(options);
  }

  private constructor({ tenant, tables = [] }: SqlGuardOptions) {
    this.#tenant = tenant;
    this.#tables = new Set([...TABLE_NAMES, PRISMIQ_HISTORY_TABLE, ...tables]);
  }

  /** Guards connections of `pg`: a client, a pool, or the module itself with all of its connections. */
  watch(connections: Watched): void {
    this.#ends.push(watchConnections(connections, (sql, values) => this.check(sql, values)));
  }

  /** Runs `fn` without the guard: for what a test prepares or looks up, and for migrations, which rely on `search_path`. */
  off<T>(fn: () => T): T {
    return this.#exempt.run(true, fn);
  }

  /** Stops guarding, and leaves all connections as they were. */
  stop(): void {
    for (const end of this.#ends.splice(0).toReversed()) {
      end();
    }
  }

  /** For `using guard = await SqlGuard.of(app)`. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Checks a text before it is sent.
   *
   * @throws UnsafeStatementError
   */
  check(sql: string, values: readonly unknown[] = []): void {
    if (this.#exempt.getStore() === true) {
      return;
    }
    const tenant = this.#tenant();
    const problem = this.findProblem(readStatements(sql), values, tenant?.schema);
    if (problem !== undefined) {
      const error = new UnsafeStatementError(problem, sql, { tenantId: tenant?.tenantId, schema: tenant?.schema });
      this.violations.push(error);
      throw error;
    }
  }

  private findProblem(
    statements: readonly Statement[],
    values: readonly unknown[],
    schemaInContext: string | undefined,
  ): string | undefined {
    for (const { schema, name } of statements.flatMap((statement) => this.tenantTables(statement))) {
      if (schema === undefined) {
        return (
          `it names the tenant table "${name}" without a schema, so that PostgreSQL takes whichever search_path finds first. ` +
          'Name the schema: { schema: tenants.require().schema } in calls of an EntityManager, or in the text of the statement.'
        );
      }
      if (schema === 'public') {
        return `it names the tenant table "${name}" in "public", which belongs to no tenant. Name the schema of the tenant in context.`;
      }
      if (schemaInContext !== undefined && schema !== schemaInContext) {
        return (
          `it names "${schema}"."${name}" while the tenant in context has the schema "${schemaInContext}". ` +
          'Work for another tenant inside of runInTenant().'
        );
      }
    }
    if (statements.some(({ settings }) => settings.some((change) => changesSearchPath(change, values)))) {
      return (
        'it changes search_path for as long as the connection lives, and the next tenant may get that connection. ' +
        'Name the schema of each table instead or, inside a transaction, use SET LOCAL.'
      );
    }
    return undefined;
  }

  private tenantTables({ sql, kind, relations }: Statement): RelationName[] {
    const named = kind === undefined ? scanNames(sql) : relations.filter(({ isIndex }) => !isIndex);
    return named.filter(({ name }) => this.#tables.has(name));
  }
}

/** Whether search_path stays changed after the transaction. A setting whose name is computed may be search_path. */
function changesSearchPath({ name, isLocal }: SettingChange, values: readonly unknown[]): boolean {
  const setting = resolveValue(name, values);
  return (typeof setting !== 'string' || setting.toLowerCase() === 'search_path') && !isTrue(isLocal, values);
}
