import type { DashboardFilter } from '../../documents/dashboard.documents.js';
import type { QueryDefinition } from '../../documents/query.documents.js';
import type { Calendar } from '../dates/calendar.js';
import type { VisibleSchema } from '../visible-schema/visible-schema.js';
import { filterConditions } from './filter-conditions.js';

/** The value of one filter of a dashboard. `null` and absent: not set. @publicApi */
export interface FilterValue {
  filter_id: string;
  value?: unknown;
}

/** The value of a filter, or else its default. One that was reset has no default. */
export function findValue(filter: DashboardFilter, values: readonly FilterValue[]): unknown {
  const given = values.findLast(({ filter_id }) => filter_id === filter.id);
  return given === undefined ? filter.default_value : given.value;
}

/**
 * Adds the filters of a dashboard to the query of a widget. A filter that names its table applies to that table only, and without one
 * to the first table that has its column. A column that no table has is left to the compiler, which drops the filter with a warning.
 *
 * @throws InvalidQueryError
 */
export function mergeFilters(
  query: QueryDefinition,
  filters: readonly DashboardFilter[],
  values: readonly FilterValue[],
  schema: VisibleSchema,
  calendar: Calendar,
): QueryDefinition {
  const added = filters.flatMap((filter) => {
    const table = tableOf(filter, query, schema);
    return table === undefined
      ? []
      : filterConditions(filter, findValue(filter, values), calendar).map((condition) => ({
          table_id: table.id,
          column: filter.field,
          ...condition,
        }));
  });
  return added.length === 0 ? query : { ...query, filters: [...(query.filters ?? []), ...added] };
}

function tableOf({ table, field }: DashboardFilter, { tables }: QueryDefinition, schema: VisibleSchema) {
  if (table != null && table !== '') {
    return tables.find(({ name }) => name === table);
  }
  return tables.find(({ name }) => schema.tables.get(name)?.columns.has(field)) ?? tables[0];
}
