import type { Calendar } from '../dates/calendar.js';
import { parseDateValue, type Moment, type Period } from '../dates/date-value.js';
import { addDays, type PlainDate } from '../dates/plain-date.js';
import type { DayRange } from '../dates/relative-periods.js';
import { joinSql, keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import { describe } from './convert-value.js';
import type { Operand } from './operand.js';
import { refuse } from './refuse.js';

/** From `start`, if there is one, until before `end`. */
type Span = { readonly start: SqlFragment | undefined; readonly end: SqlFragment | undefined };

export type DateKind = 'date' | 'timestamp' | 'timestamptz';

export const isDateKind = (kind: string): kind is DateKind =>
  kind === 'date' || kind === 'timestamp' || kind === 'timestamptz';

/** @throws InvalidQueryError */
export function readDate(value: unknown): Period | Moment {
  const date = typeof value === 'string' ? parseDateValue(value) : undefined;
  return date ?? refuse('TYPE_MISMATCH', `Invalid date value: ${describe(value)}`);
}

/** The beginning of a day in the type of a column: for a time stamp, local midnight. */
export function startOfDay(day: PlainDate, kind: DateKind, { timeZone }: Calendar): SqlFragment {
  switch (kind) {
    case 'date':
      return sql`${day}::pg_catalog.date`;
    case 'timestamp':
      return sql`${day}::timestamp`;
    case 'timestamptz':
      return sql`(${day}::timestamp AT TIME ZONE ${timeZone}::pg_catalog.text)`;
  }
}

/** A point in time in the type of a column. */
function momentSql({ text, hasOffset }: Moment, kind: 'timestamp' | 'timestamptz', { timeZone }: Calendar) {
  const converted = hasOffset ? sql`${text}::timestamptz` : sql`${text}::timestamp`;
  const fits = hasOffset === (kind === 'timestamptz');
  return fits ? converted : sql`(${converted} AT TIME ZONE ${timeZone}::pg_catalog.text)`;
}

/** The text of a date in the type of a column; of a period, its beginning. */
export function dateInColumnType(text: unknown, kind: DateKind, calendar: Calendar): SqlFragment {
  const date = readDate(text);
  if (date.kind === 'period') {
    return startOfDay(date.start, kind, calendar);
  }
  return kind === 'date' ? startOfDay(toPeriod(date).start, kind, calendar) : momentSql(date, kind, calendar);
}

/** A date column has no times: a moment means its day. */
const toPeriod = ({ text }: Moment): Period => {
  const start = text.slice(0, 10);
  return { kind: 'period', start, end: addDays(start, 1) };
};

/** A comparison with one date. A period is compared as a whole: equal means inside, greater means after its end. */
export function compareDate(
  { sql: column, kind }: Operand,
  operator: 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte',
  value: unknown,
  calendar: Calendar,
): SqlFragment {
  const read = readDate(value);
  const date = kind === 'date' && read.kind === 'moment' ? toPeriod(read) : read;
  if (date.kind === 'moment') {
    const moment = momentSql(date, kind as 'timestamp' | 'timestamptz', calendar);
    return sql`${column} ${keyword(SYMBOLS[operator])} ${moment}`;
  }
  const bound = (day: PlainDate) => startOfDay(day, kind as DateKind, calendar);
  switch (operator) {
    case 'eq':
      return within(column, { start: bound(date.start), end: bound(date.end) });
    case 'neq':
      return outside(column, { start: bound(date.start), end: bound(date.end) });
    case 'gt':
      return sql`${column} >= ${bound(date.end)}`;
    case 'gte':
      return sql`${column} >= ${bound(date.start)}`;
    case 'lt':
      return sql`${column} < ${bound(date.start)}`;
    case 'lte':
      return sql`${column} < ${bound(date.end)}`;
  }
}

const SYMBOLS = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** Whether the column has one of the dates. Many periods are compared as two arrays. */
export function dateInList(
  { sql: column, kind }: Operand,
  values: readonly unknown[],
  calendar: Calendar,
): SqlFragment {
  const dates = values.map(readDate).map((date) => (kind === 'date' && date.kind === 'moment' ? toPeriod(date) : date));
  const moments = dates.filter((date) => date.kind === 'moment');
  const periods = mergePeriods(dates.filter((date) => date.kind === 'period'));
  const conditions = [
    ...[true, false].flatMap((hasOffset) => {
      const texts = moments.filter((moment) => moment.hasOffset === hasOffset).map(({ text }) => text);
      return texts.length === 0
        ? []
        : [momentInList(column, kind as 'timestamp' | 'timestamptz', texts, hasOffset, calendar)];
    }),
    ...(periods.length > MAX_ALTERNATIVES
      ? [inManyPeriods(column, kind as DateKind, periods, calendar)]
      : periods.map(({ start, end }) =>
          within(column, {
            start: startOfDay(start, kind as DateKind, calendar),
            end: startOfDay(end, kind as DateKind, calendar),
          }),
        )),
  ];
  return conditions.length === 1 ? conditions[0]! : sql`(${joinSql(conditions, ' OR ')})`;
}

/** Beyond, the server spends more time on planning than on comparing. */
const MAX_ALTERNATIVES = 20;

function momentInList(
  column: SqlFragment,
  kind: 'timestamp' | 'timestamptz',
  texts: readonly string[],
  hasOffset: boolean,
  { timeZone }: Calendar,
): SqlFragment {
  const list = hasOffset ? sql`${texts}::timestamptz[]` : sql`${texts}::timestamp[]`;
  return hasOffset === (kind === 'timestamptz')
    ? sql`${column} = ANY (${list})`
    : sql`${column} IN (SELECT m AT TIME ZONE ${timeZone}::pg_catalog.text FROM unnest(${list}) AS u (m))`;
}

function inManyPeriods(column: SqlFragment, kind: DateKind, periods: readonly Period[], { timeZone }: Calendar) {
  const starts = periods.map(({ start }) => start);
  const ends = periods.map(({ end }) => end);
  const convert = (name: 'a' | 'z') =>
    kind === 'timestamptz'
      ? sql`${keyword(`p.${name}`)} AT TIME ZONE ${timeZone}::pg_catalog.text`
      : keyword(`p.${name}`);
  return sql`EXISTS (SELECT FROM unnest(${starts}::timestamp[], ${ends}::timestamp[]) AS p (a, z) WHERE ${column} >= ${convert('a')} AND ${column} < ${convert('z')})`;
}

/** In order, those that touch as one. */
function mergePeriods(periods: readonly Period[]): Period[] {
  const merged: Period[] = [];
  for (const period of periods.toSorted((one, other) => compareDays(one.start, other.start))) {
    const last = merged.at(-1);
    if (last !== undefined && compareDays(period.start, last.end) <= 0) {
      merged[merged.length - 1] = compareDays(period.end, last.end) > 0 ? { ...last, end: period.end } : last;
    } else {
      merged.push(period);
    }
  }
  return merged;
}

/** The years after 9999 have more digits. */
const compareDays = (one: PlainDate, other: PlainDate): number =>
  one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);

/** Whether the column is in the days of a range. */
export function dateInRange(operand: Operand, range: DayRange, calendar: Calendar): SqlFragment {
  return within(operand.sql, toSpan(operand.kind as DateKind, range, calendar));
}

/** Whether the column has a date before or after the range. */
export function dateOutsideRange(operand: Operand, range: DayRange, calendar: Calendar): SqlFragment {
  return outside(operand.sql, toSpan(operand.kind as DateKind, range, calendar));
}

const toSpan = (kind: DateKind, { first, last }: DayRange, calendar: Calendar): Span => ({
  start: first === undefined ? undefined : startOfDay(first, kind, calendar),
  end: last === undefined ? undefined : startOfDay(addDays(last, 1), kind, calendar),
});

/** One of the bounds is there. */
function within(column: SqlFragment, { start, end }: Span): SqlFragment {
  const conditions = [
    ...(start === undefined ? [] : [sql`${column} >= ${start}`]),
    ...(end === undefined ? [] : [sql`${column} < ${end}`]),
  ];
  return conditions.length === 1 ? conditions[0]! : sql`(${joinSql(conditions, ' AND ')})`;
}

function outside(column: SqlFragment, { start, end }: Span): SqlFragment {
  const conditions = [
    ...(start === undefined ? [] : [sql`${column} < ${start}`]),
    ...(end === undefined ? [] : [sql`${column} >= ${end}`]),
  ];
  return conditions.length === 1 ? conditions[0]! : sql`(${joinSql(conditions, ' OR ')})`;
}
