import { InvalidTenantIdError, InvalidUserIdError } from '../errors/tenancy.errors.js';
import { InvalidSchemaNameError } from '../errors/schema.errors.js';
import { assertSchemaName } from '../schema/schema-name.js';

/**
 * Who is asking, as a {@link TenantResolver} found out.
 *
 * @publicApi
 */
export interface TenantIdentity {
  /** 1 to 255 characters; what the `tenant_id` columns hold. */
  tenantId: string;
  /**
   * The acting user, 1 to 255 characters. Without one, only what is public or shared can be seen, and nothing changed.
   * @default undefined
   */
  userId?: string | undefined;
  /**
   * Whether the acting user may see and change everything of the tenant.
   * @default false
   */
  isAdmin?: boolean | undefined;
}

/**
 * The tenant in context: an identity, and the schema that holds its data. Immutable.
 *
 * @publicApi
 */
export interface Tenant {
  readonly tenantId: string;
  /** The PostgreSQL schema, unquoted. */
  readonly schema: string;
  readonly userId: string | undefined;
  readonly isAdmin: boolean;
}

/** Derives the schema of a tenant from its id. */
export type SchemaFor = (tenantId: string) => string;

/** `tenant_<id>` */
export const defaultSchemaFor: SchemaFor = (tenantId) => `tenant_${tenantId}`;

const MAX_CHARACTERS = 255;

/**
 * Checks an identity and adds the schema.
 *
 * @throws InvalidTenantIdError, InvalidUserIdError
 */
export function toTenant(identity: TenantIdentity, schemaFor: SchemaFor): Tenant {
  const { tenantId, userId, isAdmin = false } = identity;
  const tenantProblem = problemOf(tenantId);
  if (tenantProblem !== undefined) {
    throw new InvalidTenantIdError(tenantProblem);
  }
  const userProblem = userId === undefined ? undefined : problemOf(userId);
  if (userProblem !== undefined) {
    throw new InvalidUserIdError(`${userProblem} Let the resolver return undefined for no user.`, { tenantId });
  }
  return Object.freeze({ tenantId, schema: schemaOf(tenantId, schemaFor), userId, isAdmin: isAdmin === true });
}

function problemOf(id: unknown): string | undefined {
  if (typeof id !== 'string') {
    return `it is ${id === null ? 'null' : `of type ${typeof id}`}, and must be a string: convert it, as in String(id).`;
  }
  return id === '' || id.length > MAX_CHARACTERS || id.includes('\u0000')
    ? `it must have 1 to ${MAX_CHARACTERS} characters, none of them U+0000.`
    : undefined;
}

function schemaOf(tenantId: string, schemaFor: SchemaFor): string {
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
