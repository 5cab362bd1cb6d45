import { joinSql, keyword, sql } from '../../sql/fragment.js';
import { nearest } from '../../errors/nearest.js';
import type { Calendar } from '../dates/calendar.js';
import type { Aggregation } from '../definition/parsed-query.js';
import { refuse } from '../filters/refuse.js';
import { aggregate } from './aggregates.js';
import { toDay, toInstant, toLocalTime, toNumber, toText, unify } from './conversions.js';
import { combine, constantSql, DATE, INTEGER, NUMBER, TEXT, TIMESTAMP, type TypedSql } from './typed-sql.js';

interface ExpressionFunction {
  readonly minimum: number;
  readonly maximum: number;
  readonly build: (parameters: readonly TypedSql[], calendar: Calendar) => TypedSql;
}

const aggregateFunction = (aggregation: Aggregation): ExpressionFunction => ({
  minimum: 1,
  maximum: 1,
  build: ([operand]) => aggregate(aggregation, operand!),
});

const datePart = (name: string, field: 'YEAR' | 'MONTH' | 'DAY'): ExpressionFunction => ({
  minimum: 1,
  maximum: 1,
  build: ([date], calendar) =>
    combine(NUMBER, name, [date!], () => sql`EXTRACT(${keyword(field)} FROM ${toLocalTime(date!, calendar)})`),
});

const FUNCTIONS: Record<string, ExpressionFunction> = {
  if: {
    minimum: 3,
    maximum: 3,
    build: ([condition, one, other], calendar) => choose(condition!, one!, other!, calendar),
  },
  sum: aggregateFunction('sum'),
  avg: aggregateFunction('avg'),
  count: aggregateFunction('count'),
  min: aggregateFunction('min'),
  max: aggregateFunction('max'),
  find: {
    minimum: 2,
    maximum: 2,
    build: ([part, text], calendar) =>
      combine(
        INTEGER,
        'find',
        [part!, text!],
        () => sql`POSITION(${toText(part!, calendar)} IN ${toText(text!, calendar)})`,
      ),
  },
  today: {
    minimum: 0,
    maximum: 0,
    build: (_, calendar) => constantSql(DATE, sql`${calendar.today}::pg_catalog.date`, 'today'),
  },
  year: datePart('year', 'YEAR'),
  month: datePart('month', 'MONTH'),
  day: datePart('day', 'DAY'),
  date: { minimum: 3, maximum: 6, build: (parameters) => makeDate(parameters) },
  concatenate: {
    minimum: 1,
    maximum: 100,
    build: (parts, calendar) =>
      combine(
        TEXT,
        'concatenate',
        parts,
        () =>
          sql`(${joinSql(
            parts.map((part) => toText(part, calendar)),
            ' || ',
          )})`,
      ),
  },
  datediff: {
    minimum: 2,
    maximum: 3,
    build: ([from, to, unit], calendar) => subtractDates(from!, to!, unit, calendar),
  },
};

/** @throws InvalidQueryError if there is no such function, or it does not take these parameters */
export function callFunction(name: string, parameters: readonly TypedSql[], calendar: Calendar): TypedSql {
  const called = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (called === undefined) {
    refuse('INVALID_EXPRESSION', `Unknown function '${name}'`, nearest(name, Object.keys(FUNCTIONS)));
  }
  const { minimum, maximum, build } = called;
  if (parameters.length < minimum || parameters.length > maximum) {
    const count = minimum === maximum ? String(minimum) : `${minimum} to ${maximum}`;
    refuse('INVALID_EXPRESSION', `'${name}' takes ${count} parameters, not ${parameters.length}`);
  }
  return build(parameters, calendar);
}

function choose(condition: TypedSql, one: TypedSql, other: TypedSql, calendar: Calendar): TypedSql {
  if (condition.kind !== 'boolean') {
    refuse('TYPE_MISMATCH', `the condition of 'if' must be a comparison, not ${condition.dataType}`);
  }
  const unified = unify(one, other, calendar);
  return combine(
    unified.type,
    'if',
    [condition, one, other],
    () => sql`CASE WHEN ${condition.sql} THEN ${unified.one} ELSE ${unified.other} END`,
  );
}

function makeDate(parameters: readonly TypedSql[]): TypedSql {
  const [year, month, day, hour, minute, second] = parameters.map((part) => toNumber(part).sql);
  const whole = (part = keyword('0')) => sql`${part}::integer`;
  return combine(
    TIMESTAMP,
    'date',
    parameters,
    () =>
      sql`MAKE_TIMESTAMP(${whole(year)}, ${whole(month)}, ${whole(day)}, ${whole(hour)}, ${whole(minute)}, ${whole(second)})`,
  );
}

const UNITS: Record<string, 'day' | 'month' | 'year' | 'hour' | 'minute' | 'second'> = {
  d: 'day',
  day: 'day',
  days: 'day',
  m: 'month',
  month: 'month',
  months: 'month',
  y: 'year',
  year: 'year',
  years: 'year',
  h: 'hour',
  hour: 'hour',
  hours: 'hour',
  mi: 'minute',
  minute: 'minute',
  minutes: 'minute',
  s: 'second',
  second: 'second',
  seconds: 'second',
};

const SECONDS = { hour: 3600, minute: 60, second: 1 };

function subtractDates(from: TypedSql, to: TypedSql, unitLiteral: TypedSql | undefined, calendar: Calendar): TypedSql {
  const text = unitLiteral === undefined ? 'day' : unitLiteral.literal?.toLowerCase();
  if (text === undefined || !Object.hasOwn(UNITS, text)) {
    refuse(
      'INVALID_EXPRESSION',
      `the unit of 'datediff' must be one of ${Object.keys(UNITS).join(', ')}, in double quotes`,
    );
  }
  const unit = UNITS[text]!;
  const parts = [from, to];
  if (unit === 'day') {
    return combine(INTEGER, 'datediff', parts, () => sql`(${toDay(to, calendar)} - ${toDay(from, calendar)})`);
  }
  if (unit === 'month' || unit === 'year') {
    // The dates as timestamps, because AGE of dates goes through the zone of the session.
    const age = () => sql`AGE(${toDay(to, calendar)}::timestamp, ${toDay(from, calendar)}::timestamp)`;
    return unit === 'year'
      ? combine(INTEGER, 'datediff', parts, () => sql`EXTRACT(YEAR FROM ${age()})::integer`)
      : combine(
          INTEGER,
          'datediff',
          [...parts, ...parts],
          () => sql`(EXTRACT(YEAR FROM ${age()}) * 12 + EXTRACT(MONTH FROM ${age()}))::integer`,
        );
  }
  return combine(
    NUMBER,
    'datediff',
    parts,
    () =>
      sql`(EXTRACT(EPOCH FROM (${toInstant(to, calendar)} - ${toInstant(from, calendar)})) / ${SECONDS[unit]}::numeric)`,
  );
}
