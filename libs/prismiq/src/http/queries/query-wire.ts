import type { QueryIssue } from '../../errors/query.errors.js';
import type { QueryResult } from '../../query/service/query-result.js';
import type { QuerySchema, QueryTable } from '../../query/service/query-schema.js';

export const toWireResult = (result: QueryResult) => ({
  columns: result.columns,
  column_types: result.columnTypes,
  rows: result.rows,
  row_count: result.rowCount,
  truncated: result.truncated,
  execution_time_ms: result.executionTimeMs,
  cached_at: result.cachedAt === null ? null : result.cachedAt.getTime() / 1000,
  is_from_cache: result.isFromCache,
  ...(result.warnings.length === 0 ? {} : { warnings: result.warnings }),
});

/** The real name would tell how the database is laid out. */
const SCHEMA_NAME = 'public';

export const toWireTable = ({ name, columns, rowCount }: QueryTable) => ({
  name,
  schema_name: SCHEMA_NAME,
  columns: columns.map((column) => ({
    name: column.name,
    data_type: column.dataType,
    is_nullable: column.isNullable,
    is_primary_key: column.isPrimaryKey,
    default_value: null,
  })),
  row_count: rowCount,
});

export const toWireEnhancedTable = (table: QueryTable) => {
  const wire = toWireTable(table);
  return {
    ...wire,
    display_name: table.displayName,
    description: table.description,
    columns: wire.columns.map((column, index) => {
      const { displayName, description, format, dateFormat } = table.columns[index]!;
      return { ...column, display_name: displayName, description, format, date_format: dateFormat };
    }),
  };
};

export const toWireRelationships = ({ relationships }: QuerySchema) =>
  relationships.map(({ fromTable, fromColumn, toTable, toColumn }) => ({
    from_table: fromTable,
    from_column: fromColumn,
    to_table: toTable,
    to_column: toColumn,
  }));

export const toDataSource = ({ name, displayName, description }: QueryTable) => ({
  id: name,
  table: name,
  title: displayName ?? name,
  subtitle: description ?? '',
});

export const toWireIssue = ({ code, message, field, suggestion }: QueryIssue) => ({
  code,
  message,
  field: field ?? null,
  suggestion: suggestion ?? null,
});
