import { MigrationRefusedError } from '../../../errors/migration.errors.js';
import type { SourceMigration } from '../../../migrations/migration-set.js';
import { readStatements, type Statement } from '../../../sql/statements/statement.js';
import type { Leftovers } from './invalid-indexes.js';

/** A statement of a migration that is not transactional. */
export interface RepeatableStatement {
  readonly sql: string;
  readonly leftovers: Leftovers;
  /** Relations that it names without a schema, and that must be in the tenant's. */
  readonly required: readonly string[];
  /** Whether names without a schema may also be those of shared schemas, such as the operator classes of an extension. */
  readonly usesSharedSchemas: boolean;
}

/**
 * Reads a statement that runs outside of a transaction. It runs again if the process ends before the migration is recorded.
 *
 * @throws MigrationRefusedError if it cannot be repeated, or concerns anything but the tenant's tables
 */
export function readRepeatableStatement(sql: string, { label }: SourceMigration, schema: string): RepeatableStatement {
  const refuse = (problem: string): never => {
    throw new MigrationRefusedError(label, `${problem} The statement is: ${sql}`, { schema });
  };
  const statements = readStatements(sql, schema);
  const [statement] = statements;
  if (statement === undefined || statements.length > 1 || !statement.isRepeatable) {
    return refuse(
      'it is not transactional, but this statement cannot be repeated, which is what happens if the process ends before the migration ' +
        'is recorded. Add IF NOT EXISTS or IF EXISTS, or move the statement to a migration that is transactional.',
    );
  }
  const relations = statement.relations.filter(({ isInBody }) => !isInBody);
  const foreign = relations.find((relation) => relation.schema !== undefined && relation.schema !== schema);
  if (foreign !== undefined) {
    return refuse(
      `it is not transactional, and names "${foreign.schema}"."${foreign.name}", which is not in the tenant's schema "${schema}". ` +
        "Leave the schema out: names without one are the tenant's. Or put it in quotes, \"${this.config.get('schema')}\", " +
        'since PostgreSQL reads names without quotes in lower case.',
    );
  }
  if (relations.length === 0) {
    return refuse('it is not transactional, but this statement names no table or index of the tenant.');
  }
  const isDrop = statement.kind === 'DropStmt';
  return {
    sql: statement.sql,
    leftovers: toLeftovers(statement, schema),
    required: isDrop
      ? []
      : relations
          .filter(({ schema: named, role }) => named === undefined && role !== 'created')
          .map(({ name }) => name),
    usesSharedSchemas: !isDrop,
  };
}

const toLeftovers = ({ kind, relations }: Statement, schema: string): Leftovers => ({
  schema,
  created: relations.find(({ role, isIndex }) => role === 'created' && isIndex)?.name,
  copies: kind === 'ReindexStmt',
});
