import { z } from 'zod';
import type { SqlFragment } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import { daysAround, fiscalQuarter, fiscalYear } from '../dates/relative-periods.js';
import { describe } from './convert-value.js';
import { dateInRange, dateOutsideRange, isDateKind } from './date-conditions.js';
import type { Operand } from './operand.js';
import { refuse } from './refuse.js';

const MAX_DAYS = 36_500;

/** Beyond, years would have more than four digits. */
const MAX_PERIODS = 1000;

const integer = (max: number) =>
  z
    .union([
      z.int(),
      z
        .string()
        .regex(/^[+-]?\d{1,6}$/)
        .transform(Number),
    ])
    .pipe(z.int().min(-max).max(max));

const dayCount = integer(MAX_DAYS);

const dateWindow = z.object({
  period: z.enum(['quarterly', 'yearly']).default('quarterly'),
  value: integer(MAX_PERIODS).default(0),
  fiscal_year_start_month: z.int().min(1).max(12).nullish(),
});

/** The condition of a filter on a period that moves with the current day. */
export function relativeDateCondition(
  operand: Operand,
  operator: 'date_relative' | 'not_date_relative' | 'date_window',
  value: unknown,
  calendar: Calendar,
): SqlFragment {
  if (!isDateKind(operand.kind)) {
    refuse('TYPE_MISMATCH', `Operator '${operator}' requires a date, which '${operand.name}' is not`);
  }
  if (operator === 'date_window') {
    const window = dateWindow.safeParse(value).data;
    if (window === undefined) {
      refuse(
        'INVALID_FILTER',
        `Operator 'date_window' requires {period: "quarterly" or "yearly", value: ${-MAX_PERIODS} to ${MAX_PERIODS}}, not ${describe(value)}`,
      );
    }
    const startMonth = window.fiscal_year_start_month ?? calendar.fiscalYearStartMonth;
    const range = (window.period === 'quarterly' ? fiscalQuarter : fiscalYear)(calendar, window.value, startMonth);
    return dateInRange(operand, range, calendar);
  }
  const days = dayCount.safeParse(value).data;
  if (days === undefined) {
    refuse(
      'INVALID_FILTER',
      `Operator '${operator}' requires a number of days from ${-MAX_DAYS} to ${MAX_DAYS}, not ${describe(value)}`,
    );
  }
  const range = daysAround(calendar, days);
  return (operator === 'date_relative' ? dateInRange : dateOutsideRange)(operand, range, calendar);
}
