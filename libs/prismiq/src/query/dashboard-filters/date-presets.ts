import { addDays, firstOfMonth, getMonth, getWeekday, getYear, type PlainDate } from '../dates/plain-date.js';

/** Days, both inclusive. */
export interface DateRange {
  /** `undefined`: from the beginning. */
  readonly start: PlainDate | undefined;
  readonly end: PlainDate;
}

/** The presets of a date filter (query contract 2.7): periods that are under way end today. */
export const DATE_PRESETS: Readonly<Record<string, (today: PlainDate) => DateRange>> = {
  today: (today) => ({ start: today, end: today }),
  yesterday: (today) => ({ start: addDays(today, -1), end: addDays(today, -1) }),
  last_7_days: (today) => ({ start: addDays(today, -6), end: today }),
  last_30_days: (today) => ({ start: addDays(today, -29), end: today }),
  this_week: (today) => ({ start: toMonday(today), end: today }),
  last_week: (today) => ({ start: addDays(toMonday(today), -7), end: addDays(toMonday(today), -1) }),
  this_month: (today) => ({ start: firstOfMonth(getYear(today), getMonth(today)), end: today }),
  last_month: (today) => whole(getYear(today), getMonth(today) - 1, 1),
  this_quarter: (today) => ({ start: firstOfMonth(getYear(today), toQuarterStart(today)), end: today }),
  last_quarter: (today) => whole(getYear(today), toQuarterStart(today) - 3, 3),
  this_year: (today) => ({ start: firstOfMonth(getYear(today), 1), end: today }),
  last_year: (today) => whole(getYear(today) - 1, 1, 12),
  all_time: (today) => ({ start: undefined, end: today }),
};

const toMonday = (date: PlainDate): PlainDate => addDays(date, -getWeekday(date));

/** The first month of the calendar quarter. */
const toQuarterStart = (date: PlainDate): number => getMonth(date) - ((getMonth(date) - 1) % 3);

const whole = (year: number, month: number, months: number): DateRange => ({
  start: firstOfMonth(year, month),
  end: addDays(firstOfMonth(year, month + months), -1),
});
