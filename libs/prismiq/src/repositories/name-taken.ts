import { NameTakenError, type RecordKind } from '../errors/record.errors.js';
import { isUniqueViolation } from '../sql/translate-error.js';
import type { Tenant } from '../tenancy/tenant.js';

/** Sends a statement whose only unique value that may be in use is the name of the record. */
export async function withNameCheck<T>(
  kind: RecordKind,
  { tenantId, schema }: Tenant,
  name: string | undefined,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (name !== undefined && isUniqueViolation(error)) {
      throw new NameTakenError(kind, name, { tenantId, schema, sqlState: '23505', cause: error });
    }
    throw error;
  }
}
