import { z } from 'zod';
import { MAX_ISSUES } from '../errors/record.errors.js';
import { list } from './list.js';
import { text } from './text.js';

/** A column of one of a query's tables. @publicApi */
export interface QueryColumnReference {
  /** The `id` of an entry of `tables`. */
  table_id: string;
  column: string;
  [member: string]: unknown;
}

/**
 * The query of a widget or a saved query (wire contract 2.7). Unknown members are kept, except those that would carry SQL text.
 *
 * @publicApi
 */
export interface QueryDefinition {
  /** At least one. */
  tables: { id: string; name: string; alias?: string | null | undefined; [member: string]: unknown }[];
  /** At least one. */
  columns: (QueryColumnReference & {
    aggregation?: 'none' | 'sum' | 'avg' | 'count' | 'count_distinct' | 'min' | 'max' | null | undefined;
    alias?: string | null | undefined;
    date_trunc?: string | null | undefined;
    date_format?: string | null | undefined;
  })[];
  joins?:
    | {
        from_table_id: string;
        from_column: string;
        to_table_id: string;
        to_column: string;
        join_type?: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | null | undefined;
        [member: string]: unknown;
      }[]
    | null
    | undefined;
  filters?: (QueryColumnReference & { operator: QueryOperator; value?: unknown })[] | null | undefined;
  group_by?: QueryColumnReference[] | null | undefined;
  order_by?: (QueryColumnReference & { direction?: 'ASC' | 'DESC' | null | undefined })[] | null | undefined;
  limit?: number | null | undefined;
  offset?: number | null | undefined;
  calculated_fields?:
    | { name: string; expression: string; data_type?: string | null | undefined; [member: string]: unknown }[]
    | null
    | undefined;
  time_series?:
    | {
        table_id: string;
        date_column: string;
        interval: string;
        fill_missing?: boolean | null | undefined;
        fill_value?: unknown;
        alias?: string | null | undefined;
        [member: string]: unknown;
      }
    | null
    | undefined;
  [member: string]: unknown;
}

/** How a filter of a query compares. @publicApi */
export type QueryOperator = (typeof OPERATORS)[number];

/** The Python server puts it into SQL as text: from a client it would be a stored SQL injection. */
const noSqlExpression = { sql_expression: z.null('SQL expressions are not accepted').optional() };

const column = { table_id: text(), column: text() };

const OPERATORS = [
  'eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in_', 'not_in', 'in_or_null', 'like', 'ilike', 'not_like', 'not_ilike', 'between',
  'is_null', 'is_not_null', 'date_relative', 'not_date_relative', 'date_window',
] as const; // prettier-ignore

export const queryDefinition: z.ZodType<QueryDefinition> = z
  .looseObject({
    tables: list(z.looseObject({ id: text(), name: text(), alias: text().nullish() }), 1),
    columns: list(
      z.looseObject({
        ...column,
        aggregation: z.enum(['none', 'sum', 'avg', 'count', 'count_distinct', 'min', 'max']).nullish(),
        alias: text().nullish(),
        date_trunc: text().nullish(),
        date_format: text().nullish(),
        ...noSqlExpression,
      }),
      1,
    ),
    joins: list(
      z.looseObject({
        from_table_id: text(),
        from_column: text(),
        to_table_id: text(),
        to_column: text(),
        join_type: z.enum(['INNER', 'LEFT', 'RIGHT', 'FULL']).nullish(),
      }),
    ).nullish(),
    filters: list(
      z.looseObject({ ...column, operator: z.enum(OPERATORS), value: z.unknown().optional(), ...noSqlExpression }),
    ).nullish(),
    group_by: list(z.looseObject(column)).nullish(),
    order_by: list(z.looseObject({ ...column, direction: z.enum(['ASC', 'DESC']).nullish() })).nullish(),
    limit: z.int().nonnegative().nullish(),
    offset: z.int().nonnegative().nullish(),
    calculated_fields: list(
      z.looseObject({ name: text(), expression: text(), data_type: text().nullish(), ...noSqlExpression }),
    ).nullish(),
    time_series: z
      .looseObject({
        table_id: text(),
        date_column: text(),
        interval: text(),
        fill_missing: z.boolean().nullish(),
        fill_value: z.unknown().optional(),
        alias: text().nullish(),
      })
      .nullish(),
  })
  .superRefine((query, context) => {
    const known = new Set(query.tables.map(({ id }) => id));
    const references = tableReferences(query).filter(({ id }) => !known.has(id));
    for (const { id, path } of references.slice(0, MAX_ISSUES)) {
      context.addIssue({ code: 'custom', path, message: 'names no entry of `tables`', input: id });
    }
  });

/** Every `table_id` of a query, and its path. */
function tableReferences({
  joins,
  time_series,
  ...query
}: QueryDefinition): { id: string; path: (string | number)[] }[] {
  const columns = (['columns', 'filters', 'group_by', 'order_by'] as const).flatMap((list) =>
    (query[list] ?? []).map(({ table_id }, index) => ({ id: table_id, path: [list, index, 'table_id'] })),
  );
  const joined = (joins ?? []).flatMap(({ from_table_id, to_table_id }, index) => [
    { id: from_table_id, path: ['joins', index, 'from_table_id'] },
    { id: to_table_id, path: ['joins', index, 'to_table_id'] },
  ]);
  const series = time_series ? [{ id: time_series.table_id, path: ['time_series', 'table_id'] }] : [];
  return [...columns, ...joined, ...series];
}
