import { z } from 'zod';

/** Scalars and arrays of these, by the type of the column. */
const value = z.unknown();

export const queryResult = z.object({
  columns: z.array(z.string()),
  column_types: z.array(z.string()).describe('As `information_schema` spells them.'),
  rows: z.array(z.array(value)).describe('In the order of `columns`.'),
  row_count: z.int(),
  truncated: z.boolean().describe("Whether the server's maximum cut rows."),
  execution_time_ms: z.number(),
  cached_at: z.number().nullable().describe('Seconds since 1970; null without a cache.'),
  is_from_cache: z.boolean(),
  warnings: z.array(z.string()).optional().describe('What was left out of the query.'),
});

const column = z.object({
  name: z.string(),
  data_type: z.string(),
  is_nullable: z.boolean(),
  is_primary_key: z.boolean(),
  default_value: z.null(),
});

export const table = z.object({
  name: z.string(),
  schema_name: z.string().describe('Always the same text.'),
  columns: z.array(column),
  row_count: z.int().nullable().describe('An estimate; null for a view.'),
});

const names = { display_name: z.string().nullable(), description: z.string().nullable() };

export const enhancedTable = table.extend({
  ...names,
  columns: z.array(
    column.extend({
      ...names,
      format: z.enum(['plain', 'currency', 'percent', 'compact']).nullable(),
      date_format: z.string().nullable(),
    }),
  ),
});

const relationships = z.array(
  z.object({ from_table: z.string(), from_column: z.string(), to_table: z.string(), to_column: z.string() }),
);

export const schema = z.object({ tables: z.array(table), relationships });

export const enhancedSchema = z.object({ tables: z.array(enhancedTable), relationships });

export const dataSources = z.array(
  z.object({ id: z.string(), table: z.string(), title: z.string(), subtitle: z.string() }),
);

export const columnSample = z.object({ values: z.array(value) });

export const generatedSql = z.object({ sql: z.string().describe('With placeholders in the place of values.') });

export const validation = z.object({ valid: z.boolean(), errors: z.array(z.string()) });

export const detailedValidation = z.object({
  result: z.object({
    valid: z.boolean(),
    errors: z.array(
      z.object({
        code: z.string(),
        message: z.string(),
        field: z.string().nullable(),
        suggestion: z.string().nullable(),
      }),
    ),
  }),
});

export const sqlValidation = validation.extend({ tables: z.array(z.string()) });
