import type { Node } from 'libpg-query';

/** A value that the text tells: a number, a moment, or a span of time; the latter two in milliseconds. */
export type Constant =
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'moment'; readonly value: number }
  | { readonly type: 'span'; readonly value: number };

const NUMBER = /^[+-]?\d{1,18}(\.\d{1,18})?$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}(:\d{2})?)?$/;
const SPAN = /^([+-]?\d{1,6}) ?(second|minute|hour|day|week|mon|month|year)s?$/i;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The shortest of each. */
const UNITS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  mon: 28 * DAY,
  month: 28 * DAY,
  year: 365 * DAY,
};

/**
 * About what an expression is, if it consists of constants, parameters, the present time, plus and minus.
 *
 * @param parameters the values of `$1`, `$2` …
 */
export function readConstant(node: Node | undefined, parameters: readonly unknown[]): Constant | undefined {
  if (node === undefined) {
    return undefined;
  }
  if ('A_Const' in node) {
    const { ival, fval, sval } = node.A_Const;
    return ival === undefined ? readText(fval?.fval ?? sval?.sval) : { type: 'number', value: ival.ival ?? 0 };
  }
  if ('ParamRef' in node) {
    const value = parameters[node.ParamRef.number! - 1];
    return readText(typeof value === 'number' ? String(value) : value);
  }
  if ('TypeCast' in node) {
    // A precision may cut the value.
    return node.TypeCast.typeName?.typmods === undefined ? readConstant(node.TypeCast.arg, parameters) : undefined;
  }
  if ('SQLValueFunction' in node || isNow(node)) {
    return { type: 'moment', value: Date.now() };
  }
  return 'A_Expr' in node ? readSum(node.A_Expr, parameters) : undefined;
}

function readText(text: unknown): Constant | undefined {
  if (typeof text !== 'string') {
    return undefined;
  }
  if (NUMBER.test(text)) {
    return { type: 'number', value: Number(text) };
  }
  if (MOMENT.test(text)) {
    const value = Date.parse(text);
    return Number.isNaN(value) ? undefined : { type: 'moment', value };
  }
  const [, count, unit] = SPAN.exec(text) ?? [];
  return unit === undefined ? undefined : { type: 'span', value: Number(count) * UNITS[unit.toLowerCase()]! };
}

function readSum(
  { kind, name, lexpr, rexpr }: Extract<Node, { A_Expr: unknown }>['A_Expr'],
  parameters: readonly unknown[],
): Constant | undefined {
  const [operator] = name ?? [];
  const sign =
    operator !== undefined && 'String' in operator ? { '+': 1, '-': -1 }[operator.String.sval ?? ''] : undefined;
  const left = readConstant(lexpr, parameters);
  const right = readConstant(rexpr, parameters);
  if (kind !== 'AEXPR_OP' || sign === undefined || left === undefined || right === undefined) {
    return undefined;
  }
  // A number that is added to a date counts days.
  const scale = left.type === 'moment' && right.type === 'number' ? DAY : 1;
  const type = left.type === right.type && left.type === 'moment' ? 'span' : left.type;
  return { type, value: left.value + sign * scale * right.value };
}

const isNow = (node: Node): boolean => {
  const [name, ...others] =
    'FuncCall' in node && node.FuncCall.args === undefined ? (node.FuncCall.funcname ?? []) : [];
  return others.length === 0 && name !== undefined && 'String' in name && name.String.sval === 'now';
};
