import { quoteIdentifier } from '../sql/identifier.js';
import { historyStatements } from './history.js';
import { assertSchemaName } from './schema-name.js';
import { SCHEMA_VERSIONS, type TableNaming } from './schema-versions.js';

/**
 * Returns the statements of {@link ensureTables}, for people who run SQL by hand. They can be repeated without effect, in a transaction
 * or not.
 *
 * @param options.schema an existing schema; without it the names are unqualified and go where `search_path` says
 * @throws InvalidSchemaNameError
 * @publicApi
 */
export function prismiqSchemaSql(options: { schema?: string | undefined } = {}): string {
  const { schema } = options;
  if (schema !== undefined) {
    assertSchemaName(schema);
  }
  const table: TableNaming = (name) => (schema === undefined ? name : `${quoteIdentifier(schema)}.${name}`);
  const statements = [...SCHEMA_VERSIONS.flatMap(({ up }) => up(table)), ...historyStatements(table)];
  return `${statements.join(';\n\n')};\n`;
}
