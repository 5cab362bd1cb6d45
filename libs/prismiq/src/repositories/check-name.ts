import { NameTakenError, type RecordKind } from '../errors/record.errors.js';
import { isUniqueViolation } from '../sql/translate-error.js';
import { errorContext } from '../tenancy/tenant.js';
import type { TenantScope } from './tenant-scope.js';

/**
 * Sends a statement that stores a name, where no other unique value can be in use.
 *
 * @throws NameTakenError
 */
export async function withNameCheck<T>(
  kind: RecordKind,
  { tenant }: TenantScope,
  name: string | undefined,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (name !== undefined && isUniqueViolation(error)) {
      throw new NameTakenError(kind, name, { ...errorContext(tenant), sqlState: '23505', cause: error });
    }
    throw error;
  }
}
