import type { Type, Value } from './expressions.js';
import { dayFromToday, moment, span, windowSpan } from './dates.js';

type Scalar = string | number | boolean;

/** Whether a value passes a filter; NULL where PostgreSQL's answer is NULL counts as no. */
export function passes(value: Value, type: Type, operator: string, given: any): boolean {
  switch (operator) {
    case 'is_null':
      return value === null;
    case 'is_not_null':
      return value !== null;
    case 'eq':
      return given === null ? value === null : value !== null && compare(value, type, given).isEqual;
    case 'neq':
      return given === null ? value !== null : value !== null && !compare(value, type, given).isEqual;
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return value !== null && given !== null && ordered(value, type, operator, given);
    case 'in_':
      return given !== null && isIn(value, type, given);
    case 'not_in':
      return given === null || (given.length === 0 ? true : excluded(value, type, given));
    case 'in_or_null':
      return value === null || isIn(value, type, [given].flat());
    case 'between':
      return (
        (given[0] === null || (value !== null && ordered(value, type, 'gte', given[0]))) &&
        (given[1] === null || (value !== null && ordered(value, type, 'lte', given[1])))
      );
    case 'like':
    case 'ilike':
      return value !== null && given !== null && matches(String(value), given, operator === 'ilike');
    case 'not_like':
    case 'not_ilike':
      return value !== null && given !== null && !matches(String(value), given, operator === 'not_ilike');
    case 'date_relative':
    case 'not_date_relative': {
      const days = Number(given);
      const [from, until] = [dayFromToday(Math.min(0, days)), dayFromToday(Math.max(0, days) + 1)];
      return value !== null && (from <= moment(value as string) && moment(value as string) < until) === (operator === 'date_relative');
    }
    case 'date_window': {
      const [from, until] = windowSpan(given.period, given.value);
      return value !== null && from <= moment(value as string) && moment(value as string) < until;
    }
    default:
      throw new Error(operator);
  }
} // prettier-ignore

const isIn = (value: Value, type: Type, list: (Scalar | null)[]): boolean =>
  value !== null && list.some((one) => one !== null && compare(value, type, one).isEqual);

/** NULL in the list means "and not null"; a list of nothing but NULL says no more. */
const excluded = (value: Value, type: Type, list: (Scalar | null)[]): boolean =>
  value !== null && !isIn(value, type, list);

const ordered = (value: Scalar, type: Type, operator: string, given: Scalar): boolean => {
  const { isLess, isEqual, isGreater } = compare(value, type, given);
  return { gt: isGreater, gte: isGreater || isEqual, lt: isLess, lte: isLess || isEqual }[operator]!;
};

/** A value is equal to a period when it lies inside. */
function compare(value: Scalar, type: Type, given: Scalar) {
  if (type === 'date') {
    const isDay = (value as string).length === 10;
    // A column of days has no times: a moment means its day.
    const [from, until] = span(isDay && String(given).length > 10 ? String(given).slice(0, 10) : String(given));
    const at = moment(value as string);
    const isEqual = from === until ? at === from : from <= at && at < until;
    return { isLess: at < from, isEqual, isGreater: !isEqual && at >= from };
  }
  const other = convert(type, given);
  return { isLess: value < other, isEqual: value === other, isGreater: value > other };
}

function convert(type: Type, given: Scalar): Scalar {
  switch (type) {
    case 'number':
      return Number(given);
    case 'boolean':
      return ['true', '1'].includes(String(given).toLowerCase());
    default:
      return String(given);
  }
}

function matches(text: string, pattern: string, ignoresCase: boolean): boolean {
  const expression = pattern.replaceAll('%', '.*').replaceAll('_', '.');
  return new RegExp(`^${expression}$`, ignoresCase ? 'is' : 's').test(text);
}
