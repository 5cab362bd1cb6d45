import { ConnectionFailedError } from '../../errors/database.errors.js';
import type { MigrationSet } from '../../migrations/migration-set.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { translateError, withTypedErrors } from '../../sql/translate-error.js';
import type { TenantSchemaRef } from '../tenant-schema-ref.js';
import { CatalogComparer, type CatalogComparison } from './catalog-comparer.js';
import { invalidIndexes } from './invalid-indexes.js';
import { readHistories } from './read-histories.js';
import {
  migrationState,
  unreadableState,
  type TenantMigrationState,
  type TenantProblem,
} from './tenant-migration-state.js';

/** How many schemas are read in one pass, and how many passes run at once: few connections, whose catalog caches are warm. */
export const CHUNK_SIZE = 500;
export const PARALLEL_CHUNKS = 2;

/** Reads the state of tenants. Writes nothing. */
export class TenantInspector {
  readonly #comparer = new CatalogComparer();

  constructor(
    private readonly database: SqlExecutor,
    private readonly set: MigrationSet,
  ) {}

  /**
   * The state of all tenants, chunk by chunk, with problems that only a report needs to know.
   *
   * @throws ConnectionFailedError
   */
  async *inspectAll(tenants: readonly TenantSchemaRef[]): AsyncGenerator<TenantMigrationState> {
    const problems = await withTypedErrors(invalidIndexes(this.database));
    const step = CHUNK_SIZE * PARALLEL_CHUNKS;
    for (let start = 0; start < tenants.length; start += step) {
      const chunks = Array.from({ length: PARALLEL_CHUNKS }, (_, index) =>
        tenants.slice(start + index * CHUNK_SIZE, start + (index + 1) * CHUNK_SIZE),
      );
      for (const states of await Promise.all(chunks.map((chunk) => this.inspect(chunk, problems)))) {
        yield* states;
      }
    }
  }

  /** The state of some tenants. One that cannot be read has that as its problem. @throws ConnectionFailedError */
  async inspect(
    tenants: readonly TenantSchemaRef[],
    problems: ReadonlyMap<string, readonly TenantProblem[]> = new Map(),
  ): Promise<TenantMigrationState[]> {
    if (tenants.length === 0) {
      return [];
    }
    try {
      return await this.read(this.database, tenants, problems);
    } catch (error) {
      const translated = translateError(error, {});
      if (translated instanceof ConnectionFailedError) {
        throw translated;
      }
      if (tenants.length === 1) {
        return [unreadableState(tenants[0]!, error)];
      }
      // One history that cannot be read fails the chunk: its halves tell which.
      const half = Math.ceil(tenants.length / 2);
      return [
        ...(await this.inspect(tenants.slice(0, half), problems)),
        ...(await this.inspect(tenants.slice(half), problems)),
      ];
    }
  }

  /** The state of one tenant. @throws if it cannot be read */
  async inspectOne(tenant: TenantSchemaRef, sql: SqlExecutor = this.database): Promise<TenantMigrationState> {
    const [state] = await this.read(sql, [tenant], new Map());
    return state!;
  }

  /** How Prismiq's tables in a schema differ from each version; `undefined`: there are none. */
  async compare(sql: SqlExecutor, schema: string): Promise<CatalogComparison | undefined> {
    return (await this.#comparer.compare(sql, [schema])).get(schema);
  }

  private async read(
    sql: SqlExecutor,
    tenants: readonly TenantSchemaRef[],
    problems: ReadonlyMap<string, readonly TenantProblem[]>,
  ): Promise<TenantMigrationState[]> {
    const schemas = tenants.flatMap(({ schema, error }) => (error === undefined ? [schema] : []));
    // The histories first: what another process migrates in between shows as tables without a record, which its transaction
    // asserts. In the other order it would show as a record without tables, and be reported.
    const histories = await readHistories(sql, this.set, schemas);
    const comparisons = await this.#comparer.compare(sql, schemas);
    return tenants.map((tenant) => {
      const { schema, error } = tenant;
      const reading = {
        histories: histories.get(schema),
        tables: comparisons.get(schema),
        problems: problems.get(schema) ?? [],
      };
      return error === undefined ? migrationState(tenant, reading, this.set) : unreadableState(tenant, error);
    });
  }
}
