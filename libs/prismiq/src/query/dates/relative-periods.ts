import type { Calendar } from './calendar.js';
import { addDays, firstOfMonth, monthOf, weekdayOf, yearOf, type PlainDate } from './plain-date.js';

/** Days from `first` to `last`, both included; without one, without a bound there. */
export interface DayRange {
  readonly first: PlainDate | undefined;
  readonly last: PlainDate | undefined;
}

/** The SDK's "before today" and "after today": five years and a day. */
const BEYOND = 1826;

/** The days from today to `days` days later, or before if it is negative; from 1826 days on without an end. */
export function daysAround({ today }: Calendar, days: number): DayRange {
  if (days <= -BEYOND) {
    return { first: undefined, last: addDays(today, -1) };
  }
  if (days >= BEYOND) {
    return { first: addDays(today, 1), last: undefined };
  }
  return days < 0 ? { first: addDays(today, days), last: today } : { first: today, last: addDays(today, days) };
}

/**
 * A fiscal quarter.
 *
 * @param offset 0 for the current one
 * @param startMonth the month in which fiscal years start
 */
export function fiscalQuarter({ today }: Calendar, offset: number, startMonth: number): DayRange {
  const sinceStart = (monthOf(today) - startMonth + 12) % 12;
  const month = monthOf(today) - (sinceStart % 3) + 3 * offset;
  return months(yearOf(today), month, 3);
}

/** A fiscal year: the current one until today, others as a whole. */
export function fiscalYear({ today }: Calendar, offset: number, startMonth: number): DayRange {
  const year = yearOf(today) - (monthOf(today) >= startMonth ? 0 : 1) + offset;
  const whole = months(year, startMonth, 12);
  return offset === 0 ? { ...whole, last: today } : whole;
}

const PRESETS = {
  today: ({ today }) => ({ first: today, last: today }),
  yesterday: ({ today }) => ({ first: addDays(today, -1), last: addDays(today, -1) }),
  last_7_days: ({ today }) => ({ first: addDays(today, -6), last: today }),
  last_30_days: ({ today }) => ({ first: addDays(today, -29), last: today }),
  this_week: ({ today }) => ({ first: addDays(today, -weekdayOf(today)), last: today }),
  last_week: ({ today }) => {
    const monday = addDays(today, -weekdayOf(today));
    return { first: addDays(monday, -7), last: addDays(monday, -1) };
  },
  this_month: ({ today }) => ({ ...months(yearOf(today), monthOf(today), 1), last: today }),
  last_month: ({ today }) => months(yearOf(today), monthOf(today) - 1, 1),
  this_quarter: (calendar) => ({ ...fiscalQuarter(calendar, 0, 1), last: calendar.today }),
  last_quarter: (calendar) => fiscalQuarter(calendar, -1, 1),
  this_year: (calendar) => fiscalYear(calendar, 0, 1),
  last_year: (calendar) => fiscalYear(calendar, -1, 1),
  all_time: ({ today }) => ({ first: undefined, last: today }),
} satisfies Record<string, (calendar: Calendar) => DayRange>;

/**
 * The days of a preset of a dashboard's date filter, such as `last_7_days`.
 *
 * @returns undefined if there is no such preset
 */
export function presetRange(calendar: Calendar, preset: string): DayRange | undefined {
  return Object.hasOwn(PRESETS, preset) ? PRESETS[preset as keyof typeof PRESETS](calendar) : undefined;
}

function months(year: number, month: number, count: number): DayRange {
  return { first: firstOfMonth(year, month), last: addDays(firstOfMonth(year, month + count), -1) };
}
