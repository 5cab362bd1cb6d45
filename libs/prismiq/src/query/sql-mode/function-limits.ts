import type { Node } from 'libpg-query';
import { findNodes } from '../../sql/statements/tree.js';
import { readConstant } from './constant-values.js';

/** The most rows that generate_series may make. */
const MAX_SERIES = 100_000;
/** The longest text that lpad and rpad may make, and the longest bpchar and bit. */
const MAX_PADDED = 1000;

/**
 * @param known the values of `$1`, `$2` …; without them, arguments with parameters count as small
 * @returns why a call may make too much, undefined if it cannot
 */
export function findExcess(
  name: string,
  args: readonly Node[],
  known: readonly unknown[] | undefined,
): string | undefined {
  if (known === undefined && findNodes('ParamRef', args).length > 0) {
    return undefined;
  }
  const parameters = known ?? [];
  if (name === 'lpad' || name === 'rpad') {
    const length = readConstant(args[1], parameters);
    return length?.type === 'number' && length.value <= MAX_PADDED
      ? undefined
      : `The length of ${name}() must be a number up to ${MAX_PADDED}, written as a literal`;
  }
  if (name === 'generate_series') {
    const steps = countSteps(args, parameters);
    return steps !== undefined && steps <= MAX_SERIES
      ? undefined
      : `The bounds and the step of generate_series() must be literals, or now() and current_date plus or minus literals, with at most ` +
          `${MAX_SERIES} steps`;
  }
  return undefined;
}

/** @returns why a type with these modifiers, such as `char(10)`, may make values that are too large */
export function findExcessInType(name: string, typmods: readonly Node[]): string | undefined {
  const constants = typmods.map((typmod) => ('A_Const' in typmod ? typmod.A_Const.ival : undefined));
  if (constants.includes(undefined)) {
    return `The precision of ${name} must be a number`;
  }
  return (name === 'bpchar' || name === 'bit') && constants.some((length) => (length!.ival ?? 0) > MAX_PADDED)
    ? `The length of ${name === 'bpchar' ? 'char' : name} must be at most ${MAX_PADDED}`
    : undefined;
}

function countSteps(args: readonly Node[], parameters: readonly unknown[]): number | undefined {
  const [first, last, step] = args.map((arg) => readConstant(arg, parameters));
  if (first === undefined || last === undefined || first.type !== last.type || first.type === 'span') {
    return undefined;
  }
  if (args.length === 2) {
    return first.type === 'number' ? Math.abs(last.value - first.value) : undefined;
  }
  // A fourth argument is a time zone, which matters little.
  const isStep = first.type === 'number' ? step?.type === 'number' : step?.type === 'span';
  return isStep ? Math.abs((last.value - first.value) / step!.value) : undefined;
}
