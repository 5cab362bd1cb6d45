import { TableNotFoundError, ColumnNotFoundError } from '../../errors/query-run.errors.js';
import { identifier, renderSql, sql } from '../../sql/fragment.js';
import { resolveRowRules } from '../options/resolve-row-rules.js';
import type { RowFilter } from '../options/row-filter.js';
import { tableSource } from '../visible-schema/table-source.js';
import type { VisibleColumn } from '../visible-schema/visible-schema.js';
import type { PreparedStatement } from './prepared-statement.js';
import type { QueryScope } from './query-scope.js';

const TIMEOUT_MS = 5000;

/**
 * Reads the distinct values of a column, in their order.
 *
 * @throws TableNotFoundError, ColumnNotFoundError
 */
export async function sampleStatement(
  { schema, viewer }: QueryScope,
  rowFilter: RowFilter | undefined,
  { table: tableName, column: columnName, limit }: { table: string; column: string; limit: number },
): Promise<PreparedStatement> {
  const table = schema.tables.get(tableName);
  if (table === undefined) {
    throw new TableNotFoundError(tableName);
  }
  const column = table.columns.get(columnName);
  if (column === undefined) {
    throw new ColumnNotFoundError(columnName, tableName);
  }
  const rules = await resolveRowRules(rowFilter, [tableName], viewer);
  const source = tableSource({ schema, table, rowRule: rules.get(tableName)!, columns: [columnName] });
  const name = identifier(columnName);
  const value = hasOrder(column) ? name : sql`${name}::pg_catalog.text`;
  const { text, values } = renderSql(
    sql`SELECT DISTINCT ${value} AS k1 FROM ${source} AS t1 WHERE ${name} IS NOT NULL ORDER BY 1 LIMIT ${limit}`,
  );
  return {
    sql: text,
    parameters: values,
    columns: [columnName],
    maximumRows: limit,
    hasFillMarker: false,
    warnings: [],
    timeZone: 'UTC',
    timeoutMs: TIMEOUT_MS,
  };
}

/** Values of the others, such as json and points, cannot be compared: their texts can. */
const hasOrder = ({ type, dataType }: VisibleColumn): boolean =>
  dataType === 'ARRAY' || !['json', 'jsonb', 'other'].includes(type.kind);
