import { z } from 'zod';
import { parseDocument } from '../../documents/parse-document.js';
import { queryDefinition, type QueryDefinition } from '../../documents/query.documents.js';
import { text } from '../../documents/text.js';
import { DATE_UNITS, type ColumnReference, type DateUnit, type ParsedQuery } from './parsed-query.js';

const MAX_NAME = 255;
const MAX_EXPRESSION = 4000;
const MAX_VALUES = 10_000;
const MAX_OFFSET = 1_000_000;

const name = text(MAX_NAME);
const column = { table_id: name, column: name };

const dateUnit = z
  .string()
  .toLowerCase()
  .pipe(z.enum(DATE_UNITS, `must be one of ${DATE_UNITS.join(', ')}`));

const uniqueBy =
  <Key extends string>(key: Key) =>
  (items: readonly Record<Key, string>[], context: z.core.$RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, { [key]: value }] of items.entries()) {
      if (seen.has(value)) {
        context.addIssue({ code: 'custom', path: [index, key], message: 'must be unique', input: value });
      }
      seen.add(value);
    }
  };

/** What a query that is run needs beyond one that is stored. */
const limits = z.object({
  tables: z
    .array(z.object({ id: name, name, alias: name.nullish() }))
    .max(10)
    .superRefine(uniqueBy('id')),
  columns: z
    .array(
      z.object({
        ...column,
        aggregation: z.enum(['none', 'sum', 'avg', 'count', 'count_distinct', 'min', 'max']).nullish(),
        alias: name.nullish(),
        date_trunc: dateUnit.nullish(),
      }),
    )
    .max(100),
  joins: z
    .array(
      z.object({
        from_table_id: name,
        from_column: name,
        to_table_id: name,
        to_column: name,
        join_type: z.enum(['INNER', 'LEFT', 'RIGHT', 'FULL']).nullish(),
      }),
    )
    .max(10)
    .nullish(),
  filters: z
    .array(
      z.object({
        ...column,
        operator: z.custom<NonNullable<QueryDefinition['filters']>[number]['operator']>(),
        value: z
          .unknown()
          .refine(
            (value) => !Array.isArray(value) || value.length <= MAX_VALUES,
            `must have at most ${MAX_VALUES} values`,
          )
          .optional(),
      }),
    )
    .max(100)
    .nullish(),
  group_by: z.array(z.object(column)).max(100).nullish(),
  order_by: z
    .array(z.object({ ...column, direction: z.enum(['ASC', 'DESC']).nullish() }))
    .max(10)
    .nullish(),
  limit: z.int().nullish(),
  offset: z.int().max(MAX_OFFSET).nullish(),
  calculated_fields: z
    .array(
      z.object({
        name,
        expression: text(MAX_EXPRESSION),
        data_type: name.nullish(),
        has_internal_aggregation: z.literal(false, 'is not accepted: aggregates are found in the expression').nullish(),
      }),
    )
    .max(50)
    .superRefine(uniqueBy('name'))
    .nullish(),
  time_series: z
    .object({
      table_id: name,
      date_column: name,
      interval: dateUnit,
      fill_missing: z.boolean().nullish(),
      fill_value: z.number().nullish(),
      alias: name.nullish(),
    })
    .nullish(),
});

/**
 * Checks the shape of a query that is to be run, and its limits.
 *
 * @throws InvalidDocumentError with paths from the root of the definition
 */
export function parseQuery(input: unknown): ParsedQuery {
  const query = parseDocument(limits, parseDocument(queryDefinition, input));
  const series = query.time_series;
  return {
    tables: query.tables.map(({ id, name, alias }) => ({ id, name, alias: alias || undefined })),
    columns: query.columns.map(({ aggregation, alias, date_trunc, ...reference }) => ({
      ...toReference(reference),
      aggregation: aggregation === 'none' ? undefined : (aggregation ?? undefined),
      alias: alias || undefined,
      dateTrunc: date_trunc ?? undefined,
    })),
    joins: (query.joins ?? []).map((join) => ({
      fromTableId: join.from_table_id,
      fromColumn: join.from_column,
      toTableId: join.to_table_id,
      toColumn: join.to_column,
      type: join.join_type ?? 'INNER',
    })),
    filters: (query.filters ?? []).map(({ operator, value, ...reference }) => ({
      ...toReference(reference),
      operator,
      value: value ?? null,
    })),
    groupBy: (query.group_by ?? []).map(toReference),
    orderBy: (query.order_by ?? []).map(({ direction, ...reference }) => ({
      ...toReference(reference),
      direction: direction ?? 'ASC',
    })),
    limit: query.limit ?? undefined,
    offset: query.offset ?? 0,
    calculatedFields: (query.calculated_fields ?? []).map(({ name, expression, data_type }) => ({
      name,
      expression,
      dataType: data_type ?? undefined,
    })),
    timeSeries: series
      ? {
          tableId: series.table_id,
          dateColumn: series.date_column,
          interval: series.interval satisfies DateUnit,
          fillMissing: series.fill_missing ?? false,
          fillValue: series.fill_value ?? 0,
          alias: series.alias || undefined,
        }
      : undefined,
  };
}

const toReference = ({ table_id, column }: { table_id: string; column: string }): ColumnReference => ({
  tableId: table_id,
  column,
});
