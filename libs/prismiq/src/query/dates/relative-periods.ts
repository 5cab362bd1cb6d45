import type { Calendar } from './calendar.js';
import { addDays, firstOfMonth, getMonth, getYear, type PlainDate } from './plain-date.js';

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
  const sinceStart = (getMonth(today) - startMonth + 12) % 12;
  const month = getMonth(today) - (sinceStart % 3) + 3 * offset;
  return months(getYear(today), month, 3);
}

/** A fiscal year: the current one until today, others as a whole. */
export function fiscalYear({ today }: Calendar, offset: number, startMonth: number): DayRange {
  const year = getYear(today) - (getMonth(today) >= startMonth ? 0 : 1) + offset;
  const whole = months(year, startMonth, 12);
  return offset === 0 ? { ...whole, last: today } : whole;
}

function months(year: number, month: number, count: number): DayRange {
  return { first: firstOfMonth(year, month), last: addDays(firstOfMonth(year, month + count), -1) };
}
