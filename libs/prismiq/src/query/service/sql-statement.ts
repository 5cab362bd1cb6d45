import type { DashboardFilter } from '../../documents/dashboard.documents.js';
import type { SqlFragment } from '../../sql/fragment.js';
import { filterConditions } from '../dashboard-filters/filter-conditions.js';
import { findValue, type FilterValue } from '../dashboard-filters/merge-filters.js';
import { compileCondition } from '../filters/compile-condition.js';
import { columnOperand } from '../filters/operand.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import { resolveRowRules } from '../options/resolve-row-rules.js';
import { describeSqlError } from '../sql-mode/describe-sql-error.js';
import { SqlModeQuery } from '../sql-mode/sql-mode-query.js';
import type { PreparedStatement } from './prepared-statement.js';
import type { QueryScope } from './query-scope.js';

/** A text of SQL mode, and what narrows its rows. */
export interface SqlRequest {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly filters: readonly DashboardFilter[];
  readonly filterValues: readonly FilterValue[];
}

/**
 * Compiles a text of SQL mode for a viewer. A filter holds for every reference of its table or, if it names none, of each table that has
 * its column.
 *
 * @throws InvalidQueryError
 */
export async function sqlStatement(
  { rowFilter, maximumRows, sqlMode }: QueryConfig,
  scope: QueryScope,
  { sql, params, filters, filterValues }: SqlRequest,
): Promise<PreparedStatement> {
  const { schema, viewer, calendar } = scope;
  const query = new SqlModeQuery({ sql, params, schema, functions: sqlMode!.functions });
  const conditions = new Map<string, SqlFragment[]>(query.tables.map((table) => [table, []]));
  const warnings: string[] = [];
  for (const filter of filters) {
    const parts = filterConditions(filter, findValue(filter, filterValues), calendar);
    const tables = parts.length === 0 ? [] : tablesWith(filter, scope);
    for (const table of tables.filter((name) => conditions.has(name))) {
      const operand = columnOperand(schema, schema.tables.get(table)!.columns.get(filter.field)!);
      const compiled = parts.map(({ operator, value }) => compileCondition(operand, operator, value, calendar));
      conditions.get(table)!.push(...compiled);
    }
    if (parts.length > 0 && tables.length === 0) {
      warnings.push(describeUnknown(filter));
    }
  }
  const rowRules = await resolveRowRules(rowFilter, query.tables, viewer);
  const compiled = query.compile({ rowRules, conditions, maximumRows });
  return {
    sql: compiled.sql,
    parameters: compiled.parameters,
    columns: undefined,
    maximumRows,
    hasFillMarker: false,
    warnings,
    timeZone: calendar.timeZone,
    describeError: (report) => describeSqlError(compiled, report),
  };
}

/** The tables, read or not, that have the column of a filter. */
function tablesWith({ table, field }: DashboardFilter, { schema }: QueryScope): string[] {
  const names = table ? [table] : [...schema.tables.keys()];
  return names.filter((name) => schema.tables.get(name)?.columns.has(field));
}

const describeUnknown = ({ table, field }: DashboardFilter): string =>
  table ? `Filter column '${field}' not found in table '${table}'` : `Filter column '${field}' not found`;
