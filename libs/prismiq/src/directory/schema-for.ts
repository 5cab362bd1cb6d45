import { InvalidSchemaNameError } from '../errors/schema.errors.js';
import { InvalidTenantIdError } from '../errors/tenancy.errors.js';
import { assertSchemaName } from '../schema/schema-name.js';

/** Derives the schema of a tenant from its id. */
export type SchemaFor = (tenantId: string) => string;

/** `tenant_<id>` */
export const defaultSchemaFor: SchemaFor = (tenantId) => `tenant_${tenantId}`;

/** @throws InvalidTenantIdError where the id gives no name that a schema may have */
export function schemaOf(tenantId: string, schemaFor: SchemaFor): string {
  const schema = schemaFor(tenantId);
  try {
    assertSchemaName(schema);
  } catch (error) {
    if (error instanceof InvalidSchemaNameError) {
      throw new InvalidTenantIdError(
        `it gives no valid schema name. ${error.message} Set the \`schemaFor\` option if your ids have another form, for ` +
          "example schemaFor: (id) => `tenant_${id.replaceAll('-', '_')}` for UUIDs.",
        { tenantId, cause: error },
      );
    }
    throw error;
  }
  return schema;
}

/** Between which the ids stand in what `schemaFor` returns. */
export interface SchemaPattern {
  prefix: string;
  suffix: string;
}

/** Ids of the usual forms: names and numbers. */
const PROBES = [
  ['prismiqprobea', 'prismiqprobeb'],
  ['4711000001', '4711000002'],
] as const;

/**
 * What `schemaFor` puts around an id, found out by trying it.
 *
 * @returns nothing where it does more than that, such as to replace characters, or gives all tenants one schema
 */
export function patternOf(schemaFor: SchemaFor): SchemaPattern | undefined {
  for (const [one, other] of PROBES) {
    const schema = attempt(schemaFor, one);
    const [prefix, suffix, ...more] = schema?.split(one) ?? [];
    if (prefix !== undefined && suffix !== undefined && more.length === 0) {
      if (attempt(schemaFor, other) === prefix + other + suffix) {
        return { prefix, suffix };
      }
    }
  }
  return undefined;
}

/** A `schemaFor` may refuse ids of a form that its tenants never have. */
function attempt(schemaFor: SchemaFor, id: string): string | undefined {
  try {
    return schemaFor(id);
  } catch {
    return undefined;
  }
}
