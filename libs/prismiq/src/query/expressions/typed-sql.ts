import type { SqlFragment } from '../../sql/fragment.js';
import { columnOperand, type Operand } from '../filters/operand.js';
import { refuse } from '../filters/refuse.js';
import type { VisibleColumn, VisibleSchema } from '../visible-schema/visible-schema.js';

/** A column of one of the query's tables. */
export interface UsedColumn {
  /** The position of the table in the query, from 0. */
  readonly table: number;
  readonly column: VisibleColumn;
}

/** An expression in SQL, with its type. Its text can stand anywhere without parentheses. */
export interface TypedSql extends Operand {
  /** The type in words, for messages. */
  readonly dataType: string;
  /** Whether its values can be sorted, grouped and counted without repetition. */
  readonly isSortable: boolean;
  /** Whether it has an aggregate in it. */
  readonly isAggregate: boolean;
  /** All columns in it. */
  readonly columns: readonly UsedColumn[];
  /** Those that stand outside of aggregates. */
  readonly bareColumns: readonly UsedColumn[];
  /** A literal, which takes the type of what it is compared with. */
  readonly literal: string | undefined;
  /** How many columns, literals, operators and functions it has. */
  readonly size: number;
  readonly depth: number;
}

/** What an expression does not take from its parts. */
export type ResultType = Pick<TypedSql, 'kind' | 'castType' | 'operatorSchema' | 'dataType' | 'isSortable'>;

const plainType = (kind: ResultType['kind'], typeName: string, dataType: string): ResultType => ({
  kind,
  castType: `"pg_catalog"."${typeName}"`,
  operatorSchema: undefined,
  dataType,
  isSortable: true,
});

export const INTEGER = plainType('integer', 'int8', 'bigint');
export const NUMBER = plainType('number', 'numeric', 'numeric');
export const TEXT = plainType('text', 'text', 'text');
export const BOOLEAN = plainType('boolean', 'bool', 'boolean');
export const DATE = plainType('date', 'date', 'date');
export const TIMESTAMP = plainType('timestamp', 'timestamp', 'timestamp without time zone');

export const isNumeric = ({ kind }: Operand): boolean => kind === 'integer' || kind === 'number';

/** The alias of the query's n-th table in SQL. */
export const tableAlias = (table: number): string => `t${table + 1}`;

export function columnSql(schema: VisibleSchema, used: UsedColumn): TypedSql {
  const { column, table } = used;
  return {
    ...columnOperand(schema, column, tableAlias(table)),
    dataType: column.dataType,
    isSortable: column.type.isSortable,
    isAggregate: false,
    columns: [used],
    bareColumns: [used],
    literal: undefined,
    size: 1,
    depth: 1,
  };
}

/** @param literal its text, if it takes the type of what it is compared with */
export function constantSql(type: ResultType, sql: SqlFragment, name: string, literal?: string): TypedSql {
  return {
    ...type,
    sql,
    name,
    literal,
    isAggregate: false,
    columns: [],
    bareColumns: [],
    size: 1,
    depth: 1,
  };
}

/** Fields that refer to fields could grow without bounds. */
const MAX_SIZE = 5000;
const MAX_DEPTH = 500;

/**
 * An expression made of others.
 *
 * @param name for messages
 * @param build is called if the expression does not become too large
 */
export function combine(
  type: ResultType,
  name: string,
  parts: readonly TypedSql[],
  build: () => SqlFragment,
): TypedSql {
  const size = parts.reduce((sum, part) => sum + part.size, 1);
  const depth = parts.reduce((deepest, part) => Math.max(deepest, part.depth), 0) + 1;
  if (size > MAX_SIZE || depth > MAX_DEPTH) {
    refuse('INVALID_EXPRESSION', 'becomes too long with the fields that it refers to');
  }
  return {
    ...type,
    name,
    sql: build(),
    literal: undefined,
    isAggregate: parts.some((part) => part.isAggregate),
    columns: parts.flatMap((part) => part.columns),
    bareColumns: parts.flatMap((part) => part.bareColumns),
    size,
    depth,
  };
}
