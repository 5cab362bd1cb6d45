import type { QueryOperator } from '../../documents/query.documents.js';

/** A query definition whose shape has been checked, with defaults applied. Its names have not been looked up yet. */
export interface ParsedQuery {
  /** At least one; the ids are unique. */
  readonly tables: readonly ParsedTable[];
  /** At least one. */
  readonly columns: readonly ParsedColumn[];
  readonly joins: readonly ParsedJoin[];
  readonly filters: readonly ParsedFilter[];
  readonly groupBy: readonly ColumnReference[];
  readonly orderBy: readonly ParsedOrder[];
  readonly limit: number | undefined;
  readonly offset: number;
  readonly calculatedFields: readonly ParsedCalculatedField[];
  readonly timeSeries: ParsedTimeSeries | undefined;
}

export interface ColumnReference {
  /** The id of one of the query's tables. */
  readonly tableId: string;
  /** A column of the table, or a calculated field. */
  readonly column: string;
}

export interface ParsedTable {
  readonly id: string;
  readonly name: string;
  readonly alias: string | undefined;
}

export interface ParsedColumn extends ColumnReference {
  readonly aggregation: Aggregation | undefined;
  /** Not empty. */
  readonly alias: string | undefined;
  readonly dateTrunc: DateUnit | undefined;
}

export interface ParsedJoin {
  readonly fromTableId: string;
  readonly fromColumn: string;
  readonly toTableId: string;
  readonly toColumn: string;
  readonly type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL';
}

export interface ParsedFilter extends ColumnReference {
  readonly operator: QueryOperator;
  /** `null` if it was left out. */
  readonly value: unknown;
}

export interface ParsedOrder extends ColumnReference {
  readonly direction: 'ASC' | 'DESC';
}

export interface ParsedCalculatedField {
  readonly name: string;
  readonly expression: string;
  readonly dataType: string | undefined;
}

export interface ParsedTimeSeries {
  readonly tableId: string;
  readonly dateColumn: string;
  readonly interval: DateUnit;
  readonly fillMissing: boolean;
  readonly fillValue: number;
  readonly alias: string | undefined;
}

export type Aggregation = 'sum' | 'avg' | 'count' | 'count_distinct' | 'min' | 'max';

export const DATE_UNITS = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const;

/** To what a date is truncated. Weeks start on Monday. */
export type DateUnit = (typeof DATE_UNITS)[number];
