import { parseArray } from './parse-array.js';

const asText = (text: string): string => text;
const parseJson = (text: string): unknown => JSON.parse(text);
const parseTexts = (text: string): unknown => parseArray(text, asText);

/** The value of a result's column, from its text. */
type Parser = (text: string) => unknown;

/** By the OID of the type. What is not here stays a text, which is also what `pg` makes of bigint and numeric. */
const PARSERS = new Map<number, Parser>([
  [16, (text) => text === 't'], // boolean
  [21, Number], // smallint
  [23, Number], // integer
  [26, Number], // oid
  [114, parseJson], // json
  [700, Number], // real
  [701, Number], // double precision
  [1003, parseTexts], // name[]
  [1009, parseTexts], // text[]
  [1015, parseTexts], // varchar[]
  [3802, parseJson], // jsonb
]);

/**
 * For `types` of a query: those that a host has set with `pg.types.setTypeParser` or MikroORM's `driverOptions` do not apply to
 * Prismiq's statements.
 */
export const TYPES = { getTypeParser: (oid: number): Parser => PARSERS.get(oid) ?? asText };
