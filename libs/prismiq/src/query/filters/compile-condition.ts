import type { QueryOperator } from '../../documents/query.documents.js';
import { joinSql, keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import { convertValue, plainText } from './convert-value.js';
import { compareDate, dateInList, isDateKind } from './date-conditions.js';
import { operatorSql, type Operand } from './operand.js';
import { refuse } from './refuse.js';
import { relativeDateCondition } from './relative-date-condition.js';

const FALSE = keyword('FALSE');
const TRUE = keyword('TRUE');

const COMPARISONS = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** PostgreSQL's operators behind LIKE, which can be qualified. */
const PATTERNS = { like: '~~', ilike: '~~*', not_like: '!~~', not_ilike: '!~~*' } as const;

/**
 * The condition of a filter. It is true or not (false or null) for each row, and can be combined by AND as it is.
 *
 * @param value `null` if there is none
 * @throws InvalidQueryError if the operator does not fit the operand, or the value the operator
 */
export function compileCondition(
  operand: Operand,
  operator: QueryOperator,
  value: unknown,
  calendar: Calendar,
): SqlFragment {
  switch (operator) {
    case 'is_null':
      return sql`${operand.sql} IS NULL`;
    case 'is_not_null':
      return sql`${operand.sql} IS NOT NULL`;
    case 'eq':
      return value === null ? sql`${operand.sql} IS NULL` : compareValue(operand, operator, value, calendar);
    case 'neq':
      return value === null ? sql`${operand.sql} IS NOT NULL` : compareValue(operand, operator, value, calendar);
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return value === null ? FALSE : compareValue(operand, operator, value, calendar);
    case 'like':
    case 'ilike':
    case 'not_like':
    case 'not_ilike':
      return value === null ? FALSE : matchPattern(operand, operator, value);
    case 'in_':
    case 'not_in':
    case 'in_or_null':
      return compareList(operand, operator, value, calendar);
    case 'between':
      return compareRange(operand, value, calendar);
    case 'date_relative':
    case 'not_date_relative':
    case 'date_window':
      return relativeDateCondition(operand, operator, value, calendar);
  }
}

/** @param value not null */
export function compareValue(
  operand: Operand,
  operator: keyof typeof COMPARISONS,
  value: unknown,
  calendar: Calendar,
): SqlFragment {
  if (typeof value === 'object') {
    refuse('INVALID_FILTER', `Operator '${operator}' requires a single value`);
  }
  if (isDateKind(operand.kind)) {
    return compareDate(operand, operator, value, calendar);
  }
  const bound = convertValue(operand, value);
  return sql`${operand.sql} ${operatorSql(operand, COMPARISONS[operator])} ${bound.value}::${keyword(bound.castType)}`;
}

function matchPattern(operand: Operand, operator: keyof typeof PATTERNS, value: unknown): SqlFragment {
  const pattern = plainText(value) ?? refuse('INVALID_FILTER', `Operator '${operator}' requires a text`);
  const symbol = operatorSql(operand, PATTERNS[operator]);
  return operand.kind === 'text'
    ? sql`${operand.sql} ${symbol} ${pattern}::${keyword(operand.operatorSchema ? operand.castType : 'pg_catalog.text')}`
    : sql`${operand.sql}::pg_catalog.text ${symbol} ${pattern}::pg_catalog.text`;
}

function compareList(
  operand: Operand,
  operator: 'in_' | 'not_in' | 'in_or_null',
  value: unknown,
  calendar: Calendar,
): SqlFragment {
  if (operator === 'in_or_null') {
    const list = inList(operand, (Array.isArray(value) ? value : [value]) as unknown[], calendar);
    return list === undefined ? sql`${operand.sql} IS NULL` : sql`(${list} OR ${operand.sql} IS NULL)`;
  }
  if (value === null) {
    return operator === 'in_' ? FALSE : TRUE;
  }
  if (!Array.isArray(value)) {
    refuse('INVALID_FILTER', `Operator '${operator}' requires a list value`);
  }
  const list = inList(operand, value, calendar);
  if (operator === 'in_') {
    return list ?? FALSE;
  }
  const conditions = [
    ...(list === undefined ? [] : [sql`NOT (${list})`]),
    ...(value.includes(null) ? [sql`${operand.sql} IS NOT NULL`] : []),
  ];
  return conditions.length === 0 ? TRUE : joinSql(conditions, ' AND ');
}

/** @returns undefined if all values are null */
function inList(operand: Operand, values: readonly unknown[], calendar: Calendar): SqlFragment | undefined {
  const present = values.filter((value) => value !== null && value !== undefined);
  if (present.length === 0) {
    return undefined;
  }
  if (isDateKind(operand.kind)) {
    return dateInList(operand, present, calendar);
  }
  const bound = present.map((value) => convertValue(operand, value));
  // Integers beyond the type are bound as numeric, and then all are.
  const castType = bound.find((one) => one.castType !== operand.castType)?.castType ?? operand.castType;
  const list = bound.map((one) => one.value);
  return sql`${operand.sql} ${operatorSql(operand, '=')} ANY (${list}::${keyword(`${castType}[]`)})`;
}

/** A bound that is null is open. */
function compareRange(operand: Operand, value: unknown, calendar: Calendar): SqlFragment {
  if (!Array.isArray(value) || value.length !== 2) {
    refuse('INVALID_FILTER', "Operator 'between' requires a list of two values");
  }
  const [from, to] = value as [unknown, unknown];
  const conditions = [
    ...(from === null ? [] : [compareValue(operand, 'gte', from, calendar)]),
    ...(to === null ? [] : [compareValue(operand, 'lte', to, calendar)]),
  ];
  return conditions.length === 0 ? TRUE : joinSql(conditions, ' AND ');
}
