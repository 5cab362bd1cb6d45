import { addDays, firstOfMonth, monthOf, weekdayOf, yearOf, type PlainDate } from '../dates/plain-date.js';

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
  this_week: (today) => ({ start: mondayOf(today), end: today }),
  last_week: (today) => ({ start: addDays(mondayOf(today), -7), end: addDays(mondayOf(today), -1) }),
  this_month: (today) => ({ start: firstOfMonth(yearOf(today), monthOf(today)), end: today }),
  last_month: (today) => whole(yearOf(today), monthOf(today) - 1, 1),
  this_quarter: (today) => ({ start: firstOfMonth(yearOf(today), quarterOf(today)), end: today }),
  last_quarter: (today) => whole(yearOf(today), quarterOf(today) - 3, 3),
  this_year: (today) => ({ start: firstOfMonth(yearOf(today), 1), end: today }),
  last_year: (today) => whole(yearOf(today) - 1, 1, 12),
  all_time: (today) => ({ start: undefined, end: today }),
};

const mondayOf = (date: PlainDate): PlainDate => addDays(date, -weekdayOf(date));

/** The first month of the calendar quarter. */
const quarterOf = (date: PlainDate): number => monthOf(date) - ((monthOf(date) - 1) % 3);

const whole = (year: number, month: number, months: number): DateRange => ({
  start: firstOfMonth(year, month),
  end: addDays(firstOfMonth(year, month + months), -1),
});
