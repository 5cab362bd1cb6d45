import { parseArray } from '../../sql/parse-array.js';
import { toInstant, toIsoTime, toLocalDateTime, toSeconds, toTimeWithZone } from './time-values.js';

/** A value of a result, as JSON carries it. @publicApi */
export type QueryValue = string | number | boolean | null | QueryValue[];

/** Makes a value of the text that PostgreSQL has sent. */
export type ConvertValue = (text: string) => QueryValue;

/** How a type appears in a result. */
export interface ValueType {
  /** As `information_schema` spells it; `ARRAY` for arrays. */
  readonly name: string;
  readonly convert: ConvertValue;
}

const asText: ConvertValue = (text) => text;

/** A number that JavaScript holds exactly in its integer part; a text beyond 2^53; null for NaN and the infinities. */
function toNumber(text: string): number | string | null {
  const number = Number(text);
  if (!Number.isFinite(number)) {
    return null;
  }
  const size = Math.abs(number);
  return size < 2 ** 53 || (size === 2 ** 53 && String(number) === text) ? number : text;
}

/** Types by OID: the OID of the type, that of its array, its name, and how its values are converted. */
const KNOWN: [oid: number, arrayOid: number, name: string, convert?: ConvertValue][] = [
  [16, 1000, 'boolean', (text) => text === 't'],
  [17, 1001, 'bytea', (text) => text.slice(2)],
  [18, 1002, '"char"'],
  [19, 1003, 'name'],
  [20, 1016, 'bigint', toNumber],
  [21, 1005, 'smallint', Number],
  [23, 1007, 'integer', Number],
  [25, 1009, 'text'],
  [26, 1028, 'oid'],
  [114, 199, 'json'],
  [142, 143, 'xml'],
  [650, 651, 'cidr'],
  [700, 1021, 'real', toNumber],
  [701, 1022, 'double precision', toNumber],
  [774, 775, 'macaddr8'],
  [790, 791, 'money'],
  [829, 1040, 'macaddr'],
  [869, 1041, 'inet'],
  [1042, 1014, 'character'],
  [1043, 1015, 'character varying'],
  [1082, 1182, 'date'],
  [1083, 1183, 'time without time zone', toIsoTime],
  [1114, 1115, 'timestamp without time zone', toLocalDateTime],
  [1184, 1185, 'timestamp with time zone', toInstant],
  [1186, 1187, 'interval', toSeconds],
  [1266, 1270, 'time with time zone', toTimeWithZone],
  [1560, 1561, 'bit'],
  [1562, 1563, 'bit varying'],
  [1700, 1231, 'numeric', toNumber],
  [2950, 2951, 'uuid'],
  [3614, 3643, 'tsvector'],
  [3615, 3645, 'tsquery'],
  [3802, 3807, 'jsonb'],
  [3904, 3905, 'int4range'],
  [3906, 3907, 'numrange'],
  [3908, 3909, 'tsrange'],
  [3910, 3911, 'tstzrange'],
  [3912, 3913, 'daterange'],
  [3926, 3927, 'int8range'],
];

const TYPES = new Map<number, ValueType>(
  KNOWN.flatMap(([oid, arrayOid, name, convert = asText]): [number, ValueType][] => [
    [oid, { name, convert }],
    [arrayOid, { name: 'ARRAY', convert: (text) => parseArray(text, convert) }],
  ]),
);

/** Enums and all other types. */
const OTHER: ValueType = { name: 'text', convert: asText };

/** How a column of a result is converted, by the OID of its type. */
export const valueType = (oid: number): ValueType => TYPES.get(oid) ?? OTHER;
