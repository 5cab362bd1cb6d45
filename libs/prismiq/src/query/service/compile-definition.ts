import type { CompiledQuery } from '../compile/compiled-query.js';
import { compileQuery } from '../compile/compile-query.js';
import type { ParsedQuery } from '../definition/parsed-query.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import { resolveRowRules } from '../options/resolve-row-rules.js';
import type { PreparedStatement } from './prepared-statement.js';
import type { QueryScope } from './query-scope.js';

/**
 * Compiles a query for a viewer.
 *
 * @throws InvalidQueryError
 */
export async function compileDefinition(
  { rowFilter, maximumRows, resultNames }: QueryConfig,
  { schema, viewer, calendar }: QueryScope,
  query: ParsedQuery,
  unknownFilters: 'warn' | 'refuse' = 'warn',
): Promise<CompiledQuery> {
  const tables = new Set(query.tables.map(({ name }) => name).filter((name) => schema.tables.has(name)));
  const rowRules = await resolveRowRules(rowFilter, tables, viewer);
  return compileQuery(query, { schema, calendar, rowRules, maximumRows, resultNames, unknownFilters });
}

export const toStatement = ({ columns, ...compiled }: CompiledQuery): PreparedStatement => ({
  ...compiled,
  columns: columns.map(({ name }) => name),
  timeZone: 'UTC',
});
