import { sql } from '../../sql/fragment.js';
import type { Aggregation } from '../definition/parsed-query.js';
import { refuse } from '../filters/refuse.js';
import { combine, INTEGER, isNumeric, NUMBER, TEXT, type ResultType, type TypedSql } from './typed-sql.js';

/** Types of PostgreSQL that can be compared, but have no MIN and MAX in all its versions. */
const WITHOUT_EXTREMES = /"(?:bool|uuid|macaddr8?|bit|varbit|json|jsonb)"$/;

/**
 * An aggregate over an expression.
 *
 * @throws InvalidQueryError if the type has no such aggregate, or the expression aggregates already
 */
export function aggregate(aggregation: Aggregation, operand: TypedSql): TypedSql {
  if (operand.isAggregate) {
    refuse(
      'INVALID_AGGREGATION',
      `'${operand.name}' aggregates already, so that '${aggregation}' cannot be applied to it`,
    );
  }
  if (!isValid(aggregation, operand)) {
    refuse(
      'INVALID_AGGREGATION',
      `Aggregation '${aggregation}' is not valid for column '${operand.name}' of type '${operand.dataType}'`,
    );
  }
  const result = toResult(aggregation, operand);
  return { ...result, isAggregate: true, bareColumns: [] };
}

function isValid(aggregation: Aggregation, operand: TypedSql): boolean {
  switch (aggregation) {
    case 'sum':
    case 'avg':
      return isNumeric(operand);
    case 'count':
      return true;
    case 'count_distinct':
      return operand.isSortable;
    case 'min':
    case 'max':
      return (
        operand.isSortable &&
        !WITHOUT_EXTREMES.test(operand.castType) &&
        (operand.kind !== 'other' || operand.dataType === 'ARRAY')
      );
  }
}

function toResult(aggregation: Aggregation, operand: TypedSql): TypedSql {
  const { name } = operand;
  switch (aggregation) {
    case 'sum':
      return combine(NUMBER, name, [operand], () => sql`SUM(${operand.sql})`);
    case 'avg':
      return combine(NUMBER, name, [operand], () => sql`AVG(${operand.sql})`);
    case 'count':
      return combine(INTEGER, name, [operand], () => sql`COUNT(${operand.sql})`);
    case 'count_distinct':
      return combine(INTEGER, name, [operand], () => sql`COUNT(DISTINCT ${operand.sql})`);
    case 'min':
      return combine(extremeType(operand), name, [operand], () => sql`MIN(${operand.sql})`);
    case 'max':
      return combine(extremeType(operand), name, [operand], () => sql`MAX(${operand.sql})`);
  }
}

/** Of citext, PostgreSQL's own MIN and MAX make text. */
const extremeType = (operand: TypedSql): ResultType => (operand.operatorSchema === undefined ? operand : TEXT);
