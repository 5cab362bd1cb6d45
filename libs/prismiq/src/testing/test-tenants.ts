import { randomBytes } from 'node:crypto';
import { defaultSchemaFor, deriveSchema, type SchemaFor } from '../directory/schema-for.js';
import { ensureTables } from '../schema/ensure-tables.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { toExecutor, type SqlTarget } from '../sql/sql-target.js';
import { inChunks } from './in-chunks.js';

/** @publicApi */
export interface TestTenantsOptions {
  /**
   * How many tenants to create.
   * @default 2
   */
  count?: number | undefined;
  /**
   * The `schemaFor` of the application.
   * @default (tenantId) => `tenant_${tenantId}`
   */
  schemaFor?: SchemaFor | undefined;
}

/** @publicApi */
export interface TestTenant {
  readonly tenantId: string;
  readonly schema: string;
}

/** Each takes a connection. */
const MAX_CONCURRENT_CREATES = 4;
/** A transaction holds a lock for each table and index that it drops, and the server has a limited number of locks. */
const MAX_DROPS_PER_TRANSACTION = 10;

/**
 * Tenants for a test, each with a schema and Prismiq's tables. Their ids are unique, so several tests may share a database. The test
 * itself creates the host's own tables, and adds the tenants to the host's directory, if there is one.
 *
 * @example
 * ```ts
 * await using tenants = await TestTenants.create(app.get(MikroORM));
 * const [acme, globex] = tenants;
 * ```
 * @publicApi
 */
export class TestTenants implements Iterable<TestTenant>, AsyncDisposable {
  /** Without the schemas that existed before: other tenants may use them. */
  readonly #created: string[] = [];

  private constructor(
    private readonly target: SqlTarget,
    private readonly tenants: TestTenant[],
  ) {}

  /**
   * @param target the database; see {@link SqlTarget}
   * @throws the errors of {@link ensureTables}; all schemas that were created are dropped then
   */
  static async create(
    target: SqlTarget,
    { count = 2, schemaFor = defaultSchemaFor }: TestTenantsOptions = {},
  ): Promise<TestTenants> {
    const run = randomBytes(5).toString('hex');
    const created = new TestTenants(
      target,
      Array.from({ length: count }, (_, i) => {
        const tenantId = `test_${run}_${i + 1}`;
        return Object.freeze({ tenantId, schema: deriveSchema(tenantId, schemaFor) });
      }),
    );
    try {
      const schemas = new Set(created.tenants.map(({ schema }) => schema));
      for (const chunk of inChunks([...schemas], MAX_CONCURRENT_CREATES)) {
        // All settle before one fails: a schema that is created later would be left behind.
        const failed = (await Promise.allSettled(chunk.map((schema) => created.createSchema(schema)))).find(
          (result) => result.status === 'rejected',
        );
        if (failed !== undefined) {
          throw failed.reason;
        }
      }
      return created;
    } catch (error) {
      await created.drop();
      throw error;
    }
  }

  [Symbol.iterator](): Iterator<TestTenant> {
    return this.tenants[Symbol.iterator]();
  }

  /** Drops the schemas that were created for these tenants, with everything in them. */
  async drop(): Promise<void> {
    const sql = toExecutor(this.target);
    for (const chunk of inChunks(this.#created.splice(0), MAX_DROPS_PER_TRANSACTION)) {
      await sql.query(`DROP SCHEMA IF EXISTS ${chunk.map(quoteIdentifier).join(', ')} CASCADE`);
    }
  }

  private async createSchema(schema: string): Promise<void> {
    const { created } = await ensureTables(this.target, { schema, createSchema: true });
    if (created) {
      this.#created.push(schema);
    }
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }
}
