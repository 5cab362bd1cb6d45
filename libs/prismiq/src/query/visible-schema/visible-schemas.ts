import { LookupCache } from '../../directory/lookup-cache.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { buildLayout, type VisibleLayout } from './build-layout.js';
import { readTables, type CatalogTable } from './read-tables.js';
import { SharedObjects } from './shared-objects.js';
import type { VisibleSchema } from './visible-schema.js';

/** What is known of a schema, and what has been made of it for each role. */
interface KnownSchema {
  readonly tables: readonly CatalogTable[];
  readonly rowCounts: VisibleSchema['rowCounts'];
  readonly byRole: Map<string | undefined, VisibleSchema>;
}

/**
 * Knows what the viewers of each role may see in each schema. Reads a schema once in a while, in one statement. Schemas with the same
 * tables share everything but their name and their row counts.
 */
export class VisibleSchemas {
  readonly #config: QueryConfig;
  readonly #sql: SqlExecutor;
  readonly #known: LookupCache<KnownSchema>;
  readonly #tables = new SharedObjects<readonly CatalogTable[]>();
  readonly #layouts = new WeakMap<readonly CatalogTable[], Map<string | undefined, VisibleLayout>>();
  /** Roles for which nothing is special see the same as nobody in particular. */
  readonly #roles: ReadonlySet<string>;

  constructor(config: QueryConfig, sql: SqlExecutor) {
    this.#config = config;
    this.#sql = sql;
    this.#known = new LookupCache({ ...config.schemaCache, negativeTtlMs: 0 });
    const tables = Object.values(config.tables);
    const entries = [...tables, ...tables.flatMap(({ columns }) => Object.values(columns))];
    this.#roles = new Set(entries.flatMap(({ roles = [] }) => roles));
  }

  /**
   * What a viewer of the role may see in the schema. Tables that the schema does not have are absent, and so is all of a schema that
   * does not exist.
   */
  async find(schema: string, role: string | undefined): Promise<VisibleSchema> {
    const known = this.#known.peek(schema)?.value ?? (await this.#known.load(schema, () => this.#read(schema)))!;
    return this.#forRole(schema, known, role === undefined || !this.#roles.has(role) ? undefined : role);
  }

  /**
   * Reads the schema again, unless that has been done since `stale` was found: for a statement that has failed because a table or a
   * column is missing.
   */
  async refresh(stale: VisibleSchema, role: string | undefined): Promise<VisibleSchema> {
    const known = this.#known.peek(stale.schema)?.value;
    if (known !== undefined && [...known.byRole.values()].includes(stale)) {
      this.#known.delete(stale.schema);
    }
    return this.find(stale.schema, role);
  }

  /** @param schema all schemas if undefined */
  invalidate(schema?: string): void {
    if (schema === undefined) {
      this.#known.clear();
    } else {
      this.#known.delete(schema);
    }
  }

  async #read(schema: string): Promise<KnownSchema> {
    const { tables, rowCounts } = await readTables(this.#sql, schema, Object.keys(this.#config.tables));
    return { tables: this.#tables.share(tables), rowCounts, byRole: new Map() };
  }

  #forRole(schema: string, { tables, rowCounts, byRole }: KnownSchema, role: string | undefined): VisibleSchema {
    let visible = byRole.get(role);
    if (visible === undefined) {
      const { version, tables: visibleTables, relationships } = this.#layoutFor(tables, role);
      visible = Object.freeze({ schema, version, tables: visibleTables, relationships, rowCounts });
      byRole.set(role, visible);
    }
    return visible;
  }

  #layoutFor(tables: readonly CatalogTable[], role: string | undefined): VisibleLayout {
    let byRole = this.#layouts.get(tables);
    if (byRole === undefined) {
      byRole = new Map();
      this.#layouts.set(tables, byRole);
    }
    let layout = byRole.get(role);
    if (layout === undefined) {
      layout = buildLayout(tables, this.#config.tables, role);
      byRole.set(role, layout);
    }
    return layout;
  }
}
