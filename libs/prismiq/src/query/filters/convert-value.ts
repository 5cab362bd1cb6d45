import type { Operand } from './operand.js';
import { refuse } from './refuse.js';

/** A value as it is bound: its text or a boolean, and the type to which it is cast. */
export interface BoundValue {
  readonly value: string | boolean;
  readonly castType: string;
}

const NUMERIC = '"pg_catalog"."numeric"';

/** No number that a column can hold needs more digits; PostgreSQL would spend its time on reading them. */
const NUMBER = /^[+-]?(?:\d{1,200}(?:\.\d{0,200})?|\.\d{1,200})(?:[eE][+-]?\d{1,3})?$/;

const INTEGER_RANGES: Record<string, bigint> = { int2: 2n ** 15n, int4: 2n ** 31n, int8: 2n ** 63n };

/**
 * Converts a value of a filter to the type of what it is compared with.
 *
 * @param value neither null nor a list
 * @throws InvalidQueryError
 */
export function convertValue({ kind, castType, name }: Operand, value: unknown): BoundValue {
  const mismatch = (expected: string): never =>
    refuse('TYPE_MISMATCH', `${describe(value)} is no value for '${name}', which needs ${expected}`);
  switch (kind) {
    case 'integer':
    case 'number': {
      const text = numberText(value) ?? mismatch('a number');
      return kind === 'integer' ? convertInteger(text, castType) : { value: text, castType };
    }
    case 'boolean':
      return { value: toBoolean(value) ?? mismatch('true or false'), castType };
    case 'text':
      return { value: plainText(value) ?? mismatch('a text'), castType };
    case 'named':
      return { value: typeof value === 'string' ? value : mismatch('a text'), castType };
    default:
      return refuse('TYPE_MISMATCH', `'${name}' cannot be compared, only searched as text or tested for null`);
  }
}

function numberText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  return NUMBER.test(text) ? text : undefined;
}

/** By its own type, an index on the column can be used; what does not fit equals no value, but can be greater or less. */
function convertInteger(text: string, castType: string): BoundValue {
  const integer = /^[+-]?\d+$/.test(text)
    ? text
    : Number.isSafeInteger(Number(text))
      ? String(Number(text))
      : undefined;
  const bound = INTEGER_RANGES[castType.slice(castType.lastIndexOf('.') + 2, -1)];
  if (integer !== undefined && bound !== undefined) {
    const value = BigInt(integer.replace('+', ''));
    if (-bound <= value && value < bound) {
      return { value: value.toString(), castType };
    }
  }
  return { value: text, castType: NUMERIC };
}

const BOOLEANS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

const toBoolean = (value: unknown): boolean | undefined => {
  const text = plainText(value);
  return text === undefined ? undefined : BOOLEANS.get(text.toLowerCase());
};

/** The text of a text, a number or a boolean. */
export const plainText = (value: unknown): string | undefined =>
  ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;

const MAX_SHOWN = 50;

/** A value as it stands in a message. */
export function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…` : text;
}
