import { TenantDirectoryError } from '../errors/tenancy.errors.js';
import { TABLE_NAMES } from '../schema/expected-catalog.js';
import { patternOf, schemaOf } from './schema-for.js';
import {
  TenantDirectory,
  type DirectorySource,
  type TenantDirectoryFactory,
  type TenantEntry,
} from './tenant-directory.js';

/** @publicApi */
export interface CatalogDirectoryOptions {
  /**
   * The tenant whose schema this is, or nothing where it is nobody's: what `schemaFor` does, turned around. Needed to list the
   * tenants where `schemaFor` does more than to put something around the id.
   * @default what stands in the place of the id, in a name of `schemaFor`'s pattern
   */
  tenantIdFor?: ((schema: string) => string | undefined) | undefined;
}

/**
 * Finds tenants in PostgreSQL's catalog: a tenant exists when the schema that `schemaFor` derives from its id holds Prismiq
 * tables. The default. It knows neither suspended tenants nor rings and tags, and cannot list tenants that share a schema.
 *
 * @publicApi
 */
export const tenantsFromCatalog =
  ({ tenantIdFor }: CatalogDirectoryOptions = {}): TenantDirectoryFactory =>
  (source) =>
    new CatalogTenantDirectory(source, tenantIdFor);

const CHUNK = 1000;

/** A schema whose tables are Prismiq's, `$1` being their names. */
const HOLDS_TABLES = `EXISTS (SELECT 1 FROM pg_catalog.pg_class c
  WHERE c.relnamespace = n.oid AND c.relname = ANY($1) AND c.relkind IN ('r', 'p'))`;

class CatalogTenantDirectory extends TenantDirectory {
  constructor(
    private readonly source: DirectorySource,
    private readonly tenantIdFor: CatalogDirectoryOptions['tenantIdFor'],
  ) {
    super();
  }

  override async find(tenantId: string): Promise<TenantEntry | undefined> {
    const schema = schemaOf(tenantId, this.source.schemaFor);
    // Several ids may give one schema, as "a-b" and "a_b" do where dashes are replaced; it is the tenant's that it leads back to.
    if (this.tenantIdFor !== undefined && this.tenantIdFor(schema) !== tenantId) {
      return undefined;
    }
    const found = await this.source.query(
      `SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $2 AND ${HOLDS_TABLES}`,
      [TABLE_NAMES, schema],
    );
    return found.length === 0 ? undefined : { tenantId, schema };
  }

  override async *list(): AsyncIterable<TenantEntry> {
    const { prefix, tenantIdOf } = this.inverse();
    for (let last: string | undefined = ''; last !== undefined;) {
      const rows: { schema: string }[] = await this.source.query(
        `SELECT n.nspname AS schema FROM pg_catalog.pg_namespace n
         WHERE starts_with(n.nspname::text, $2) AND n.nspname > $3 AND ${HOLDS_TABLES}
         ORDER BY n.nspname LIMIT $4`,
        [TABLE_NAMES, prefix, last, CHUNK],
      );
      for (const { schema } of rows) {
        const tenantId = tenantIdOf(schema);
        if (tenantId !== undefined) {
          yield { tenantId, schema };
        }
      }
      last = rows.length < CHUNK ? undefined : rows.at(-1)?.schema;
    }
  }

  private inverse(): { prefix: string; tenantIdOf: (schema: string) => string | undefined } {
    const { tenantIdFor } = this;
    if (tenantIdFor !== undefined) {
      return { prefix: '', tenantIdOf: (schema) => this.confirm(tenantIdFor(schema), schema) };
    }
    const pattern = patternOf(this.source.schemaFor);
    if (pattern === undefined) {
      throw new TenantDirectoryError(
        'cannot list the tenants: what `schemaFor` makes of an id cannot be turned around. ' +
          'Use directory: tenantsFromCatalog({ tenantIdFor: (schema) => … }) or, where tenants share a schema, another directory.',
      );
    }
    const { prefix, suffix } = pattern;
    return {
      prefix,
      tenantIdOf: (schema) =>
        schema.endsWith(suffix)
          ? this.confirm(schema.slice(prefix.length, schema.length - suffix.length), schema)
          : undefined,
    };
  }

  /** An id is the schema's if it leads back there. */
  private confirm(tenantId: string | undefined, schema: string): string | undefined {
    return tenantId !== undefined && tenantId !== '' && this.source.schemaFor(tenantId) === schema
      ? tenantId
      : undefined;
  }
}
