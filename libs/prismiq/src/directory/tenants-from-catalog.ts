import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { TenantDirectoryError } from '../errors/tenancy.errors.js';
import { TABLE_NAMES } from '../schema/expected-catalog.js';
import { attempt, probeSchemaFor, UUID_PROBE } from './probe-schema-for.js';
import { deriveSchema } from './schema-for.js';
import {
  TenantDirectory,
  type DirectorySource,
  type TenantDirectoryFactory,
  type TenantEntry,
} from './tenant-directory.js';

/** @publicApi */
export interface CatalogDirectoryOptions {
  /**
   * The inverse of `schemaFor`: the tenant of a schema, or `undefined` if it belongs to none. An id counts only if
   * `schemaFor` leads from it to the schema and this function leads back.
   * @default what is between the prefix and the suffix that `schemaFor` adds to an id
   */
  tenantIdFor?: ((schema: string) => string | undefined) | undefined;
}

/**
 * Finds tenants in PostgreSQL's catalog: a tenant exists when the schema that `schemaFor` derives from its id holds Prismiq
 * tables. The default. It knows neither suspended tenants nor rings and tags, and cannot list tenants that share a schema.
 *
 * @throws InvalidOptionsError when the application starts, if `schemaFor` changes ids and there is no `tenantIdFor`
 * @publicApi
 */
export const tenantsFromCatalog =
  ({ tenantIdFor }: CatalogDirectoryOptions = {}): TenantDirectoryFactory =>
  (source) =>
    new CatalogTenantDirectory(
      source,
      tenantIdFor === undefined ? inversePattern(source) : inverse(source, tenantIdFor),
    );

/** The schemas of tenants, all of which begin with `prefix`, and the tenant of each. */
interface Inverse {
  readonly prefix: string;
  readonly tenantIdFor: (schema: string) => string | undefined;
}

function inverse({ schemaFor }: DirectorySource, tenantIdFor: Inverse['tenantIdFor']): Inverse {
  const schema = attempt(schemaFor, UUID_PROBE);
  const tenantId = schema && tenantIdFor(schema);
  if (tenantId && tenantId !== UUID_PROBE) {
    throw refused(
      'tenantIdFor',
      `is not the inverse of \`schemaFor\`, which turns the id "${UUID_PROBE}" into "${schema}". \`tenantIdFor\` turns that into ` +
        `"${tenantId}". Let it return the id, or undefined for a schema that no tenant has.`,
    );
  }
  return { prefix: '', tenantIdFor };
}

/** `undefined` if tenants share schemas on purpose. */
function inversePattern({ schemaFor }: DirectorySource): Inverse | undefined {
  const mapping = probeSchemaFor(schemaFor);
  if (mapping.kind === 'unknown') {
    throw refused(
      'schemaFor',
      'changes ids, so that the catalog cannot tell whose schema is whose: "a-b" and "a_b" may give the same one. ' +
        'Use directory: tenantsFromCatalog({ tenantIdFor: (schema) => … }) with its inverse, a directory that knows the ids such as ' +
        'tenantsFromQuery, or a `schemaFor` that only adds a prefix and a suffix to the id.',
    );
  }
  if (mapping.kind === 'shared') {
    return undefined;
  }
  const { prefix, suffix } = mapping;
  return {
    prefix,
    tenantIdFor: (schema) =>
      schema.length > prefix.length + suffix.length && schema.startsWith(prefix) && schema.endsWith(suffix)
        ? schema.slice(prefix.length, schema.length - suffix.length)
        : undefined,
  };
}

const refused = (option: string, problem: string): InvalidOptionsError =>
  new InvalidOptionsError(option, problem, {}, 'tenantsFromCatalog');

const ROWS_PER_QUERY = 1000;

/** A schema with Prismiq tables, whose names are `$1`. */
const HOLDS_TABLES = `EXISTS (SELECT 1 FROM pg_catalog.pg_class c
  WHERE c.relnamespace = n.oid AND c.relname = ANY($1) AND c.relkind IN ('r', 'p'))`;

class CatalogTenantDirectory extends TenantDirectory {
  constructor(
    private readonly source: DirectorySource,
    private readonly inverse: Inverse | undefined,
  ) {
    super();
  }

  override async find(tenantId: string): Promise<TenantEntry | undefined> {
    const schema = deriveSchema(tenantId, this.source.schemaFor);
    // Two ids may give one schema. It belongs to the one to which it leads back, and to nobody else.
    if (this.inverse !== undefined && this.inverse.tenantIdFor(schema) !== tenantId) {
      return undefined;
    }
    const found = await this.source.query(
      `SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $2 AND ${HOLDS_TABLES}`,
      [TABLE_NAMES, schema],
    );
    return found.length === 0 ? undefined : { tenantId, schema };
  }

  override async *list(): AsyncIterable<TenantEntry> {
    if (this.inverse === undefined) {
      throw new TenantDirectoryError(
        'cannot list the tenants, since `schemaFor` gives several of them one schema. Use a directory that knows the ids, such as ' +
          'tenantsFromQuery, or tenantsFromCatalog({ tenantIdFor: (schema) => … }) if each tenant has a schema of its own.',
      );
    }
    const { prefix, tenantIdFor } = this.inverse;
    for (let last: string | undefined = ''; last !== undefined;) {
      const rows: { schema: string }[] = await this.source.query(
        `SELECT n.nspname AS schema FROM pg_catalog.pg_namespace n
         WHERE starts_with(n.nspname::text, $2) AND n.nspname > $3 AND ${HOLDS_TABLES}
         ORDER BY n.nspname LIMIT $4`,
        [TABLE_NAMES, prefix, last, ROWS_PER_QUERY],
      );
      for (const { schema } of rows) {
        const tenantId = tenantIdFor(schema);
        if (tenantId && attempt(this.source.schemaFor, tenantId) === schema) {
          yield { tenantId, schema };
        }
      }
      last = rows.length < ROWS_PER_QUERY ? undefined : rows.at(-1)?.schema;
    }
  }
}
