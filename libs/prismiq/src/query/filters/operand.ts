import { identifier, keyword, type SqlFragment } from '../../sql/fragment.js';
import { quoteIdentifier } from '../../sql/identifier.js';
import { castType, type TypeKind, type VisibleColumn, type VisibleSchema } from '../visible-schema/visible-schema.js';

/** What a filter compares: a column or a calculated field. */
export interface Operand {
  readonly sql: SqlFragment;
  readonly kind: TypeKind;
  /** How the type is written after `::`. */
  readonly castType: string;
  /** The schema of the operators, where they are not PostgreSQL's own. */
  readonly operatorSchema: string | undefined;
  /** For messages. */
  readonly name: string;
}

/** @param qualifier the alias of the table, where the column alone would be ambiguous */
export function columnOperand({ schema }: VisibleSchema, { name, type }: VisibleColumn, qualifier?: string): Operand {
  return {
    sql: qualifier === undefined ? identifier(name) : identifier(qualifier, name),
    kind: type.kind,
    castType: castType(type, schema),
    operatorSchema: type.name === 'citext' ? (type.schema ?? schema) : undefined,
    name,
  };
}

/** @param symbol of the source code */
export const operatorSql = ({ operatorSchema }: Operand, symbol: string): SqlFragment =>
  keyword(operatorSchema === undefined ? symbol : `OPERATOR(${quoteIdentifier(operatorSchema)}.${symbol})`);
