import { randomBytes } from 'node:crypto';
import { defaultSchemaFor, deriveSchema, type SchemaFor } from '../directory/schema-for.js';
import { ensureTables } from '../schema/ensure-tables.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { executorOf, type SqlTarget } from '../sql/sql-target.js';
import { inChunks } from './in-chunks.js';

/** @publicApi */
export interface TestTenantsOptions {
  /**
   * How many to make.
   * @default 2
   */
  count?: number | undefined;
  /**
   * That of the application.
   * @default (tenantId) => `tenant_${tenantId}`
   */
  schemaFor?: SchemaFor | undefined;
}

/** @publicApi */
export interface TestTenant {
  readonly tenantId: string;
  readonly schema: string;
}

/** So many schemas are made at a time, each on a connection. */
const MADE_AT_ONCE = 4;
/** So many are dropped in a transaction, which holds a lock for each table and index in them until it ends. */
const DROPPED_AT_ONCE = 10;

/**
 * Tenants for a test, each with a schema and Prismiq's tables, on a database that others may use at the same time: their ids are
 * not used again. Tables of the host's own are made by the test, which also tells a directory of the tenants, where the host
 * has one.
 *
 * @example
 * ```ts
 * await using tenants = await TestTenants.create(app.get(MikroORM));
 * const [acme, globex] = tenants;
 * ```
 * @publicApi
 */
export class TestTenants implements Iterable<TestTenant>, AsyncDisposable {
  /** Not those that were there: tenants of other tests may live in them. */
  readonly #made: string[] = [];

  private constructor(
    private readonly target: SqlTarget,
    private readonly tenants: TestTenant[],
  ) {}

  /**
   * @param target where; see {@link SqlTarget}
   * @throws as {@link ensureTables}; nothing is left behind then
   */
  static async create(
    target: SqlTarget,
    { count = 2, schemaFor = defaultSchemaFor }: TestTenantsOptions = {},
  ): Promise<TestTenants> {
    const run = randomBytes(5).toString('hex');
    const made = new TestTenants(
      target,
      Array.from({ length: count }, (_, i) => {
        const tenantId = `test_${run}_${i + 1}`;
        return Object.freeze({ tenantId, schema: deriveSchema(tenantId, schemaFor) });
      }),
    );
    try {
      const schemas = new Set(made.tenants.map(({ schema }) => schema));
      for (const chunk of inChunks([...schemas], MADE_AT_ONCE)) {
        // All settled, and not the first to fail: what is made after that would be left behind.
        const failed = (await Promise.allSettled(chunk.map((schema) => made.make(schema)))).find(
          (result) => result.status === 'rejected',
        );
        if (failed !== undefined) {
          throw failed.reason;
        }
      }
      return made;
    } catch (error) {
      await made.drop();
      throw error;
    }
  }

  [Symbol.iterator](): Iterator<TestTenant> {
    return this.tenants[Symbol.iterator]();
  }

  /** Drops the schemas that were made for these tenants, with all that is in them. */
  async drop(): Promise<void> {
    const sql = executorOf(this.target);
    for (const chunk of inChunks(this.#made.splice(0), DROPPED_AT_ONCE)) {
      await sql.query(`DROP SCHEMA IF EXISTS ${chunk.map(quoteIdentifier).join(', ')} CASCADE`);
    }
  }

  private async make(schema: string): Promise<void> {
    const { created } = await ensureTables(this.target, { schema, createSchema: true });
    if (created) {
      this.#made.push(schema);
    }
  }

  /** As `await using` has it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }
}
