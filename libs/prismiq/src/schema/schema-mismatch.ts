import { SchemaMismatchError, type SchemaDifference } from '../errors/schema.errors.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { planRepair, type RepairPlan } from './plan-repair.js';

/** Plans the repair of the tables in a schema; see {@link planRepair}. */
export const planSchemaRepair = (
  differences: readonly SchemaDifference[],
  schema: string,
  version?: string,
): RepairPlan => planRepair(differences, (name) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`, version);

/** The error for tables that differ: which differences can be repaired, and what to do about the others. */
export function schemaMismatch(differences: readonly SchemaDifference[], schema: string): SchemaMismatchError {
  return new SchemaMismatchError(differences, { schema }, adviseOn(differences, schema));
}

/** What to do about differences. */
export function adviseOn(differences: readonly SchemaDifference[], schema: string): string {
  const { unrepairable } = planSchemaRepair(differences, schema);
  if (unrepairable.length === 0) {
    return (
      'All of this can be repaired without changing a row: `prismiq plan --repair` shows the statements, `prismiq migrate --repair`, ' +
      'up({ repair: true }) or ensureTables(…, { repair: true }) runs them.'
    );
  }
  const lines = unrepairable.map(({ difference, reason }) => `  - ${difference.table}.${difference.name}: ${reason}`);
  return `Not repaired automatically:\n${lines.join('\n')}`;
}
