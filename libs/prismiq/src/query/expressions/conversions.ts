import { keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import type { Calendar } from '../dates/calendar.js';
import { convertValue } from '../filters/convert-value.js';
import { dateInColumnType, isDateKind } from '../filters/date-conditions.js';
import { refuse } from '../filters/refuse.js';
import { isNumeric, INTEGER, NUMBER, TEXT, TIMESTAMP, type ResultType, type TypedSql } from './typed-sql.js';

/** As text; a time stamp with time zone as the local time. */
export function toText(part: TypedSql, calendar: Calendar): SqlFragment {
  const { kind, sql: value } = part;
  return kind === 'text' && part.operatorSchema === undefined
    ? value
    : sql`${kind === 'timestamptz' ? toLocalTime(part, calendar) : value}::pg_catalog.text`;
}

/**
 * As local time: `timestamp`.
 *
 * @throws InvalidQueryError if it is no date
 */
export function toLocalTime(part: TypedSql, calendar: Calendar): SqlFragment {
  if (part.literal !== undefined && part.kind === 'text') {
    return dateInColumnType(part.literal, 'timestamp', calendar);
  }
  switch (part.kind) {
    case 'timestamp':
      return part.sql;
    case 'date':
      return sql`${part.sql}::timestamp`;
    case 'timestamptz':
      return sql`(${part.sql} AT TIME ZONE ${calendar.timeZone}::pg_catalog.text)`;
    default:
      return refuse('TYPE_MISMATCH', `'${part.name}' is no date`);
  }
}

/** As a point in time: `timestamptz`. */
export function toInstant(part: TypedSql, calendar: Calendar): SqlFragment {
  return part.kind === 'timestamptz'
    ? part.sql
    : sql`(${toLocalTime(part, calendar)} AT TIME ZONE ${calendar.timeZone}::pg_catalog.text)`;
}

/** As the local day: `date`. */
export const toDay = (part: TypedSql, calendar: Calendar): SqlFragment =>
  part.kind === 'date' ? part.sql : sql`${toLocalTime(part, calendar)}::pg_catalog.date`;

/** @throws InvalidQueryError if it is no number */
export function toNumber(part: TypedSql): TypedSql {
  return isNumeric(part) ? part : refuse('TYPE_MISMATCH', `'${part.name}' is no number`);
}

/** As bigint or numeric, so that computing with small integers does not overflow. */
export const widen = (part: TypedSql): SqlFragment =>
  part.kind !== 'integer' || part.castType === INTEGER.castType
    ? part.sql
    : sql`${part.sql}::${keyword(INTEGER.castType)}`;

/** A literal in the type of another expression. */
export function literalAs(type: TypedSql, literal: TypedSql, calendar: Calendar): SqlFragment {
  if (isDateKind(type.kind)) {
    return dateInColumnType(literal.literal, type.kind, calendar);
  }
  const { value, castType } = convertValue(type, literal.literal);
  return sql`${value}::${keyword(castType)}`;
}

/**
 * Two expressions in one type, for the branches of `if`.
 *
 * @throws InvalidQueryError if there is none
 */
export function unify(
  one: TypedSql,
  other: TypedSql,
  calendar: Calendar,
): { readonly type: ResultType; readonly one: SqlFragment; readonly other: SqlFragment } {
  if (one.castType === other.castType) {
    return { type: one, one: one.sql, other: other.sql };
  }
  if (isNumeric(one) && isNumeric(other)) {
    const type = one.kind === 'integer' && other.kind === 'integer' ? INTEGER : NUMBER;
    return { type, one: one.sql, other: other.sql };
  }
  if (isDateKind(one.kind) && isDateKind(other.kind)) {
    return { type: TIMESTAMP, one: toLocalTime(one, calendar), other: toLocalTime(other, calendar) };
  }
  if (one.kind === 'text' && other.kind === 'text') {
    return { type: TEXT, one: toText(one, calendar), other: toText(other, calendar) };
  }
  if (isTextLiteral(other) && one.kind !== 'text') {
    return { type: one, one: one.sql, other: literalAs(one, other, calendar) };
  }
  if (isTextLiteral(one) && other.kind !== 'text') {
    return { type: other, one: literalAs(other, one, calendar), other: other.sql };
  }
  return refuse('TYPE_MISMATCH', `both results of 'if' must have one type, not ${one.dataType} and ${other.dataType}`);
}

export const isTextLiteral = ({ literal, kind }: TypedSql): boolean => literal !== undefined && kind === 'text';
