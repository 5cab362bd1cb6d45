import { InvalidSchemaNameError } from '../errors/schema.errors.js';

/** PostgreSQL's limit for a name (NAMEDATALEN - 1). It truncates longer ones, so that two could become the same. */
const MAX_BYTES = 63;

/** @throws InvalidSchemaNameError unless `name` consists of letters, digits and underscores, is not too long and not reserved */
export function assertSchemaName(name: string): void {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidSchemaNameError(String(name), 'it is empty');
  }
  if (!/^[A-Za-z0-9_]+$/.test(name)) {
    throw new InvalidSchemaNameError(name, 'it has a character that is not allowed');
  }
  if (name.length > MAX_BYTES) {
    throw new InvalidSchemaNameError(name, `it has ${name.length} bytes`);
  }
  if (/^(public|information_schema|pg_.*)$/i.test(name)) {
    throw new InvalidSchemaNameError(name, 'it is reserved');
  }
}
