import { sql, keyword } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import { compareValue } from '../filters/compile-condition.js';
import { isDateKind } from '../filters/date-conditions.js';
import { operatorSql } from '../filters/operand.js';
import { refuse } from '../filters/refuse.js';
import { isTextLiteral, toLocalTime, toNumber, toText, widen } from './conversions.js';
import type { ComparisonOperator, Expression } from './expression.js';
import { callFunction } from './functions.js';
import { BOOLEAN, combine, constantSql, DATE, INTEGER, isNumeric, NUMBER, TEXT, type TypedSql } from './typed-sql.js';

/** Looks up the name between brackets. */
export type ResolveField = (name: string) => TypedSql;

/** @throws InvalidQueryError if a name is unknown, or types do not fit */
export function compileExpression(expression: Expression, resolveField: ResolveField, calendar: Calendar): TypedSql {
  const compile = (part: Expression): TypedSql => compileExpression(part, resolveField, calendar);
  switch (expression.type) {
    case 'number':
      return numberSql(expression.text);
    case 'text':
      return constantSql(TEXT, sql`${expression.value}::pg_catalog.text`, 'text', expression.value);
    case 'field':
      return resolveField(expression.name);
    case 'orEmpty': {
      const operand = compile(expression.operand);
      return combine(TEXT, operand.name, [operand], () => sql`COALESCE(${toText(operand, calendar)}, '')`);
    }
    case 'negation': {
      const operand = toNumber(compile(expression.operand));
      const type = operand.kind === 'integer' ? INTEGER : NUMBER;
      return combine(type, operand.name, [operand], () => sql`(- ${widen(operand)})`);
    }
    case 'arithmetic':
      return compute(expression.operator, compile(expression.left), compile(expression.right));
    case 'comparison':
      return compare(expression.operator, compile(expression.left), compile(expression.right), calendar);
    case 'call':
      return callFunction(expression.name, expression.parameters.map(compile), calendar);
  }
}

/** Every integer of so many digits is a bigint. */
const BIGINT_DIGITS = 18;

function numberSql(text: string): TypedSql {
  const isInteger = !text.includes('.') && text.length <= BIGINT_DIGITS;
  return isInteger
    ? constantSql(INTEGER, sql`${text}::bigint`, text, text)
    : constantSql(NUMBER, sql`${text}::numeric`, text, text);
}

function compute(operator: '+' | '-' | '*' | '/', left: TypedSql, right: TypedSql): TypedSql {
  const parts = [left, right];
  if (left.kind === 'date' && operator === '-' && right.kind === 'date') {
    return combine(INTEGER, operator, parts, () => sql`(${left.sql} - ${right.sql})`);
  }
  if (left.kind === 'date' && (operator === '+' || operator === '-') && right.kind === 'integer') {
    return combine(DATE, operator, parts, () => sql`(${left.sql} ${keyword(operator)} ${right.sql}::integer)`);
  }
  toNumber(left);
  toNumber(right);
  if (operator === '/') {
    return combine(NUMBER, operator, parts, () => sql`(${left.sql}::numeric / NULLIF(${right.sql}::numeric, 0))`);
  }
  const type = left.kind === 'integer' && right.kind === 'integer' ? INTEGER : NUMBER;
  return combine(type, operator, parts, () => sql`(${widen(left)} ${keyword(operator)} ${widen(right)})`);
}

const SYMBOLS: Record<ComparisonOperator, string> = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' };

const MIRRORED: Record<ComparisonOperator, ComparisonOperator> = {
  eq: 'eq',
  neq: 'neq',
  gt: 'lt',
  gte: 'lte',
  lt: 'gt',
  lte: 'gte',
};

function compare(operator: ComparisonOperator, left: TypedSql, right: TypedSql, calendar: Calendar): TypedSql {
  if (isUntyped(right, left)) {
    // The operand may stand twice in the condition.
    return combine(
      BOOLEAN,
      SYMBOLS[operator],
      [left, left],
      () => sql`(${compareValue(left, operator, right.literal, calendar)})`,
    );
  }
  if (isUntyped(left, right)) {
    return compare(MIRRORED[operator], right, left, calendar);
  }
  const symbol = keyword(SYMBOLS[operator]);
  return combine(BOOLEAN, SYMBOLS[operator], [left, right], () => {
    if ((isNumeric(left) && isNumeric(right)) || (left.castType === right.castType && left.isSortable)) {
      return sql`(${left.sql} ${operatorSql(left, SYMBOLS[operator])} ${right.sql})`;
    }
    if (isDateKind(left.kind) && isDateKind(right.kind)) {
      return sql`(${toLocalTime(left, calendar)} ${symbol} ${toLocalTime(right, calendar)})`;
    }
    if (left.kind === 'text' && right.kind === 'text') {
      return sql`(${toText(left, calendar)} ${symbol} ${toText(right, calendar)})`;
    }
    return refuse('TYPE_MISMATCH', `${left.dataType} cannot be compared with ${right.dataType}`);
  });
}

/** Whether a literal takes the type of the other side: a text does, and 0 and 1 beside a boolean. */
const isUntyped = (literal: TypedSql, other: TypedSql): boolean =>
  other.literal === undefined &&
  (isTextLiteral(literal) || (literal.literal !== undefined && other.kind === 'boolean'));
