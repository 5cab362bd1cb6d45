import { keyword, sql } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import type { DateUnit, ParsedColumn, ParsedQuery, ParsedTimeSeries } from '../definition/parsed-query.js';
import { aggregate } from '../expressions/aggregates.js';
import type { CalculatedFields } from '../expressions/calculated-fields.js';
import { toLocalTime } from '../expressions/conversions.js';
import { combine, constantSql, INTEGER, TIMESTAMP, type TypedSql } from '../expressions/typed-sql.js';
import { isDateKind } from '../filters/date-conditions.js';
import { refuse } from '../filters/refuse.js';
import type { Issues } from './issues.js';
import type { Sources } from './sources.js';

/** A column of the result. */
export interface Output {
  /** As the client wants it, perhaps not unique. */
  readonly name: string;
  readonly value: TypedSql;
  /** The name of the column or calculated field that it shows, with its table; see {@link fieldKey}. */
  readonly key: string;
  readonly role: 'bucket' | 'dimension' | 'measure';
  /** Whether the definition asks for an aggregate of the column or field. */
  readonly isAggregated: boolean;
}

/** What selects columns. */
export interface Selection {
  readonly query: ParsedQuery;
  readonly sources: Sources;
  readonly fields: CalculatedFields;
  readonly calendar: Calendar;
  readonly issues: Issues;
  readonly resultNames: 'column' | 'postgres';
}

/** Tells columns and calculated fields apart. */
export const fieldKey = (
  { fields, sources }: Pick<Selection, 'fields' | 'sources'>,
  tableId: string,
  column: string,
) => (fields.has(column) ? column : `${sources.indexOf(tableId)}.${column}`);

/** The columns of the result. The bucket of a time series comes first, unless its column is selected. */
export function selectOutputs(selection: Selection): Output[] {
  const { query, issues } = selection;
  const series = query.timeSeries;
  const bucket = series && issues.attempt('time_series.date_column', () => bucketOutput(selection, series));
  const outputs = query.columns.flatMap((column, index) => {
    if (bucket !== undefined && isBucket(selection, column, bucket)) {
      return [{ ...bucket, name: column.alias ?? series!.alias ?? column.column }];
    }
    return issues.attempt(`columns[${index}].column`, () => toOutput(selection, column)) ?? [];
  });
  return bucket === undefined || outputs.some(({ role }) => role === 'bucket') ? outputs : [bucket, ...outputs];
}

const isBucket = (selection: Selection, { aggregation, tableId, column }: ParsedColumn, { key }: Output): boolean =>
  aggregation === undefined && fieldKey(selection, tableId, column) === key;

function bucketOutput({ sources, calendar }: Selection, series: ParsedTimeSeries): Output {
  const { tableId, dateColumn, interval, alias } = series;
  const column = sources.use(sources.get({ tableId, column: dateColumn }, 'Column'));
  if (!isDateKind(column.kind)) {
    refuse('INVALID_TIME_SERIES', `Time series column '${dateColumn}' of type '${column.dataType}' is not a date`);
  }
  return {
    name: alias ?? `${dateColumn}_bucket`,
    value: truncate(column, interval, calendar),
    key: `${sources.indexOf(tableId)}.${dateColumn}`,
    role: 'bucket',
    isAggregated: false,
  };
}

function toOutput(selection: Selection, column: ParsedColumn): Output {
  const value = selection.sources.use(toValue(selection, column));
  return {
    name: column.alias ?? defaultName(selection, column),
    value,
    key: fieldKey(selection, column.tableId, column.column),
    role: value.isAggregate ? 'measure' : 'dimension',
    isAggregated: column.aggregation !== undefined,
  };
}

function toValue({ sources, fields, calendar }: Selection, selected: ParsedColumn): TypedSql {
  const { tableId, column, aggregation, dateTrunc } = selected;
  if (column === '*' && !fields.has(column)) {
    if (aggregation !== 'count') {
      refuse('INVALID_AGGREGATION', "Column '*' can only be counted");
    }
    sources.useTable(sources.indexOf(tableId));
    return { ...constantSql(INTEGER, keyword('COUNT(*)'), '*'), isAggregate: true };
  }
  const plain = fields.has(column) ? fields.get(column) : sources.get(selected, 'Column');
  const value = dateTrunc === undefined || fields.has(column) ? plain : truncate(plain, dateTrunc, calendar);
  return aggregation === undefined ? value : aggregate(aggregation, value);
}

function defaultName({ resultNames, fields }: Selection, { column, aggregation, dateTrunc }: ParsedColumn): string {
  if (resultNames === 'postgres') {
    const isTruncated = dateTrunc !== undefined && !fields.has(column);
    return aggregation === 'count_distinct' ? 'count' : (aggregation ?? (isTruncated ? 'date_trunc' : column));
  }
  return column === '*' ? 'count' : column;
}

/** The beginning of the minute, day, … in which a date is, as local time. */
function truncate(value: TypedSql, unit: DateUnit, calendar: Calendar): TypedSql {
  if (!isDateKind(value.kind)) {
    refuse(
      'TYPE_MISMATCH',
      `Column '${value.name}' of type '${value.dataType}' is not a date, so that it cannot be truncated`,
    );
  }
  return combine(
    TIMESTAMP,
    value.name,
    [value],
    () => sql`date_trunc(${keyword(`'${unit}'`)}, ${toLocalTime(value, calendar)})`,
  );
}

/** The names of the result's columns; a repeated one gets `_2`, `_3`. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let number = 2; taken.has(unique); number += 1) {
      unique = `${name}_${number}`;
    }
    taken.add(unique);
    return unique;
  });
}
