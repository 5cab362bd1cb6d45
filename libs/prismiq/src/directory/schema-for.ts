import { InvalidSchemaNameError } from '../errors/schema.errors.js';
import { InvalidTenantIdError } from '../errors/tenancy.errors.js';
import { assertSchemaName } from '../schema/schema-name.js';

/** Derives the schema of a tenant from its id. */
export type SchemaFor = (tenantId: string) => string;

/** `tenant_<id>` */
export const defaultSchemaFor: SchemaFor = (tenantId) => `tenant_${tenantId}`;

/** @throws InvalidTenantIdError if the id gives no valid schema name */
export function deriveSchema(tenantId: string, schemaFor: SchemaFor): string {
  const schema = schemaFor(tenantId);
  try {
    assertSchemaName(schema);
  } catch (error) {
    if (error instanceof InvalidSchemaNameError) {
      throw new InvalidTenantIdError(
        `it gives no valid schema name. ${error.message} If your ids have another form, set the \`schemaFor\` option and, with ` +
          'the default directory, its inverse. For UUIDs: { schemaFor: (id) => `tenant_${id.replaceAll("-", "_")}`, directory: ' +
          'tenantsFromCatalog({ tenantIdFor: (schema) => schema.slice("tenant_".length).replaceAll("_", "-") }) }.',
        { tenantId, cause: error },
      );
    }
    throw error;
  }
  return schema;
}
