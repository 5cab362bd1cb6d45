import { addDays, firstOfMonth, type PlainDate } from './plain-date.js';

/** Whole days: from the first one until before `end`. */
export interface Period {
  readonly kind: 'period';
  readonly start: PlainDate;
  readonly end: PlainDate;
}

/** A point in time, in PostgreSQL's notation. */
export interface Moment {
  readonly kind: 'moment';
  readonly text: string;
  /** Otherwise it is local time. */
  readonly hasOffset: boolean;
}

const DAY = /^(\d{4})-(\d\d)-(\d\d)$/;
const MONTH = /^(\d{4})-(\d\d)$/;
const QUARTER = /^Q([1-4]) (\d{4})$/;
const YEAR = /^(\d{4})$/;
const MOMENT =
  /^(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?) ?(Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$/;

/**
 * Reads the text of a date: a day, a day with a time, or a month, quarter or year as it stands on the axis of a chart.
 *
 * @returns undefined if it is none
 */
export function parseDateValue(text: string): Period | Moment | undefined {
  const moment = MOMENT.exec(text);
  if (moment !== null) {
    const [, day, time, offset = ''] = moment as unknown as [string, string, string, string?];
    return isDay(day) ? { kind: 'moment', text: `${day}T${time}${offset}`, hasOffset: offset !== '' } : undefined;
  }
  const [start, end] = periodIn(text) ?? [];
  return start === undefined || end === undefined ? undefined : { kind: 'period', start, end };
}

function periodIn(text: string): [PlainDate, PlainDate] | undefined {
  if (DAY.test(text)) {
    return isDay(text) ? [text, addDays(text, 1)] : undefined;
  }
  const month = MONTH.exec(text);
  if (month !== null) {
    return monthsFrom(Number(month[1]), Number(month[2]), 1);
  }
  const quarter = QUARTER.exec(text);
  if (quarter !== null) {
    return monthsFrom(Number(quarter[2]), 3 * Number(quarter[1]) - 2, 3);
  }
  const year = YEAR.exec(text);
  return year === null ? undefined : monthsFrom(Number(year[1]), 1, 12);
}

const monthsFrom = (year: number, month: number, count: number): [PlainDate, PlainDate] | undefined =>
  year >= 1 && month >= 1 && month <= 12 ? [firstOfMonth(year, month), firstOfMonth(year, month + count)] : undefined;

/** Whether the calendar has the day: the 30th of February rolls over. */
const isDay = (text: PlainDate): boolean => {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && !text.startsWith('0000') && new Date(time).toISOString().startsWith(text);
};
