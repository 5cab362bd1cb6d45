import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplicationContext } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/core';
import type { MikroORM as PostgreSqlMikroORM } from '@mikro-orm/postgresql';
import { getPrismiqToken } from '../prismiq.decorators.js';
import { TABLE_NAMES } from '../schema/expected-catalog.js';
import { PRISMIQ_HISTORY_TABLE } from '../schema/history.js';
import { TenantContext } from '../tenancy/tenant-context.js';
import { changesSearchPath } from './search-path-change.js';
import { tokenize, type SqlToken } from './sql-tokens.js';
import { tableReferences, type TableReference } from './table-references.js';
import { UnsafeStatementError } from './unsafe-statement.error.js';
import { watchConnections, type Watched } from './watch-connections.js';

/** @publicApi */
export interface SqlGuardOptions {
  /** The tenant for whom the code works that sends a statement: `() => tenantContext.current()`. */
  tenant: () => { readonly tenantId?: string | undefined; readonly schema: string } | undefined;
  /**
   * The host's own tables that stand in the tenants' schemas. Prismiq's are guarded always.
   * @default none
   */
  tables?: Iterable<string> | undefined;
}

/** Which application, for {@link SqlGuard.of}. @publicApi */
export interface SqlGuardOfOptions {
  /**
   * The host's own tables in the tenants' schemas, beside those of its entities with the schema `*`.
   * @default none
   */
  tables?: Iterable<string> | undefined;
  /**
   * Of the registration to guard.
   * @default that without a name
   */
  contextName?: string | undefined;
}

/** What a statement says, whoever sends it. */
interface Analysis {
  readonly tokens: readonly SqlToken[] | undefined;
  readonly references: readonly TableReference[];
}

/** So many texts are kept: an application sends the same ones again and again. */
const KEPT_ANALYSES = 5000;

/**
 * Refuses, in tests, each statement that could reach the wrong tenant: one that names a tenant's table without its schema, in
 * `public`, or in another schema than that of the tenant in context; and one that changes `search_path` for longer than its
 * transaction. Refused statements are not sent; the call fails with an {@link UnsafeStatementError}, and {@link violations} has it
 * as well, should somebody catch it.
 *
 * Where all tenants share a schema, a statement's schema says nothing of whose rows it touches; {@link checkIsolation} does.
 *
 * @example
 * ```ts
 * const guard = await SqlGuard.of(app, { tables: ['orders'] });
 * afterAll(() => expect(guard.violations).toEqual([]));
 * ```
 * @publicApi
 */
export class SqlGuard implements Disposable {
  /** All that was refused so far. */
  readonly violations: UnsafeStatementError[] = [];
  readonly #tenant: SqlGuardOptions['tenant'];
  readonly #tables: ReadonlySet<string>;
  readonly #exempt = new AsyncLocalStorage<boolean>();
  readonly #analyses = new Map<string, Analysis>();
  readonly #ends: (() => void)[] = [];

  /** Guards what an application sends by its MikroORM: its EntityManagers, Kysely, and the repositories of this package. */
  static async of(
    app: INestApplicationContext,
    { tables = [], contextName }: SqlGuardOfOptions = {},
  ): Promise<SqlGuard> {
    const token = contextName === undefined ? MikroORM : `${contextName}_MikroORM`;
    const orm = app.get<PostgreSqlMikroORM>(token as typeof MikroORM, { strict: false });
    const tenants = app.get<TenantContext>(getPrismiqToken(TenantContext, contextName), { strict: false });
    const entities = [...orm.getMetadata().getAll().values()].filter(({ schema }) => schema === '*');
    const guard = new SqlGuard({
      tenant: () => tenants.current(),
      tables: [...tables, ...entities.map(({ tableName }) => tableName)],
    });
    guard.watch(await orm.em.getConnection('write').getNativeClient());
    return guard;
  }

  constructor({ tenant, tables = [] }: SqlGuardOptions) {
    this.#tenant = tenant;
    this.#tables = new Set([...TABLE_NAMES, PRISMIQ_HISTORY_TABLE, ...tables]);
  }

  /** Guards connections of `pg`: a client, a pool, or the module itself and thereby all of its connections. */
  watch(connections: Watched): void {
    this.#ends.push(watchConnections(connections, (sql, values) => this.check(sql, values)));
  }

  /** Runs `fn` without the guard: for what a test itself prepares or looks up, and for migrations that run along `search_path`. */
  off<T>(fn: () => T): T {
    return this.#exempt.run(true, fn);
  }

  /** Leaves all connections as they were. */
  stop(): void {
    for (const end of this.#ends.splice(0).toReversed()) {
      end();
    }
  }

  /** As `using guard = await SqlGuard.of(app)` has it. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Checks a statement that is about to be sent, by whatever means.
   *
   * @throws UnsafeStatementError
   */
  check(sql: string, values: readonly unknown[] = []): void {
    if (this.#exempt.getStore() === true) {
      return;
    }
    const tenant = this.#tenant();
    const problem = this.problemOf(this.analyse(sql), values, tenant?.schema);
    if (problem !== undefined) {
      const error = new UnsafeStatementError(problem, sql, { tenantId: tenant?.tenantId, schema: tenant?.schema });
      this.violations.push(error);
      throw error;
    }
  }

  private problemOf(
    { tokens, references }: Analysis,
    values: readonly unknown[],
    schemaInContext: string | undefined,
  ): string | undefined {
    for (const { schema, table } of references) {
      if (schema === undefined) {
        return (
          `it names the tenant table "${table}" without a schema, so that PostgreSQL takes whichever search_path finds first. ` +
          'Name the schema: { schema: tenants.require().schema } in calls of an EntityManager, or in the text of the statement.'
        );
      }
      if (schema === 'public') {
        return `it names the tenant table "${table}" in "public", which is no tenant's. Name the schema of the tenant in context.`;
      }
      if (schemaInContext !== undefined && schema !== schemaInContext) {
        return (
          `it names "${schema}"."${table}" while the tenant in context has the schema "${schemaInContext}". ` +
          'Work for another tenant inside of runInTenant().'
        );
      }
    }
    if (tokens !== undefined && changesSearchPath(tokens, values)) {
      return (
        'it changes search_path for as long as the connection lives, and the next one to get the connection is another tenant. ' +
        'Name the schema of each table instead or, inside a transaction, use SET LOCAL.'
      );
    }
    return undefined;
  }

  private analyse(sql: string): Analysis {
    const known = this.#analyses.get(sql);
    if (known !== undefined) {
      return known;
    }
    const tokens = tokenize(sql);
    const analysis = {
      // Whether search_path is changed depends on the values, too.
      tokens: /\bset(_config)?\b/i.test(sql) ? tokens : undefined,
      references: tableReferences(tokens).filter(({ table }) => this.#tables.has(table)),
    };
    if (this.#analyses.size >= KEPT_ANALYSES) {
      this.#analyses.clear();
    }
    this.#analyses.set(sql, analysis);
    return analysis;
  }
}
