import { InvalidQueryError, type QueryIssue } from '../../errors/query.errors.js';
import { renderSql } from '../../sql/fragment.js';
import type { ParsedQuery } from '../definition/parsed-query.js';
import { CalculatedFields } from '../expressions/calculated-fields.js';
import { FieldNames } from '../expressions/field-names.js';
import type { CompileContext } from './compile-context.js';
import type { CompiledQuery } from './compiled-query.js';
import { placeFilters, resolveFilters } from './filters.js';
import { resolveGrouping } from './grouping.js';
import { Issues } from './issues.js';
import { compileFrom, resolveJoins } from './joins.js';
import { selectOutputs, uniqueNames, type Selection } from './outputs.js';
import { Sources } from './sources.js';
import { resolveSort } from './sort.js';
import { compileStatement } from './statement.js';

/**
 * Turns a query definition into SQL. Names of the client never become names in SQL, nor its values literals: tables are `t1`, `t2`, …,
 * the columns of the result `k1`, `k2`, ….
 *
 * @throws InvalidQueryError with all faults
 */
export function compileQuery(query: ParsedQuery, context: CompileContext): CompiledQuery {
  const issues = new Issues();
  const { calendar, resultNames, maximumRows } = context;
  const sources = new Sources(query, context, issues);
  const fields = new CalculatedFields(query.calculatedFields, new FieldNames(context.schema, sources.tables), calendar);
  query.calculatedFields.forEach(({ name }, index) =>
    issues.attempt(`calculated_fields[${index}].expression`, () => fields.get(name)),
  );
  const selection: Selection = { query, sources, fields, calendar, issues, resultNames };
  const warnings: string[] = [];
  const outputs = selectOutputs(selection);
  const joins = resolveJoins(query.joins, sources, issues);
  const filters = resolveFilters(selection, context.unknownFilters ?? 'warn', warnings);
  const sort = resolveSort(selection, outputs);
  const placed = placeFilters(selection, filters, joins);
  const groupKeys = resolveGrouping(selection, outputs, placed, sort);
  issues.throwIfAny();
  const { from, conditions } = compileFrom(sources, joins, selection);
  issues.throwIfAny();

  const isFilled = query.timeSeries?.fillMissing === true && groupKeys !== undefined;
  const statement = compileStatement({
    outputs,
    from,
    where: [...conditions, ...placed.where],
    groupKeys,
    having: placed.having.map(({ condition }) => condition),
    fill: isFilled ? query.timeSeries : undefined,
    sort,
    // One row more than the maximum shows that there are more.
    limit: query.limit === undefined || query.limit > maximumRows ? maximumRows + 1 : query.limit,
    offset: query.offset,
  });
  const { text, values } = renderSql(statement);
  return {
    sql: text,
    parameters: values,
    columns: uniqueNames(outputs.map(({ name }) => name)).map((name) => ({ name })),
    maximumRows,
    hasFillMarker: isFilled,
    warnings,
    usesToday: calendar.usesToday,
  };
}

/** The faults of a query; filters on columns that do not exist are faults here. */
export function validateQuery(query: ParsedQuery, context: CompileContext): readonly QueryIssue[] {
  try {
    compileQuery(query, { ...context, unknownFilters: 'refuse' });
    return [];
  } catch (error) {
    if (error instanceof InvalidQueryError) {
      return error.issues;
    }
    throw error;
  }
}
