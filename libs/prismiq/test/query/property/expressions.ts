import fc from 'fast-check';

/** The value of a column or an expression: a number, a text, a date as its text, a boolean, or NULL. */
export type Value = number | string | boolean | null;

/** An expression of a calculated field as a tree, which is written as text for the compiler and computed by the evaluator. */
export type Tree =
  | { op: 'literal'; value: number | string }
  | { op: 'field'; table: number; column: string }
  | { op: 'calculated'; index: number }
  | { op: '+' | '-' | '*' | '/' | '==' | '!=' | '<' | '>='; left: Tree; right: Tree }
  | { op: 'minus'; operand: Tree }
  | { op: 'if'; condition: Tree; one: Tree; other: Tree }
  | { op: 'find' | 'concatenate'; parts: Tree[] }
  | { op: 'orEmpty'; operand: Tree }
  | { op: 'year' | 'month' | 'days'; operand: Tree }
  | { op: 'sum' | 'avg' | 'count' | 'min' | 'max'; operand: Tree };

export type Type = 'number' | 'text' | 'boolean' | 'date';

/** Of the columns that each table has. */
export const TYPES: Record<string, Type> = {
  id: 'number',
  k: 'number',
  n: 'number',
  t: 'text',
  b: 'boolean',
  d: 'date',
  s: 'date',
};

export function typeOf(tree: Tree, trees: readonly Tree[]): Type {
  switch (tree.op) {
    case 'literal':
      return typeof tree.value === 'number' ? 'number' : 'text';
    case 'field':
      return TYPES[tree.column]!;
    case 'calculated':
      return typeOf(trees[tree.index]!, trees);
    case 'concatenate':
    case 'orEmpty':
      return 'text';
    case '==':
    case '!=':
    case '<':
    case '>=':
      return 'boolean';
    case 'if':
      return typeOf(tree.one, trees);
    default:
      return 'number';
  }
}

const TODAY = '2024-05-15';

export function write(tree: Tree): string {
  switch (tree.op) {
    case 'literal':
      return typeof tree.value === 'number' ? String(tree.value) : JSON.stringify(tree.value);
    case 'field':
      return `[t${tree.table}.${tree.column}]`;
    case 'calculated':
      return `[x${tree.index}]`;
    case 'minus':
      return `-(${write(tree.operand)})`;
    case 'if':
      return `if(${write(tree.condition)}, ${write(tree.one)}, ${write(tree.other)})`;
    case 'find':
    case 'concatenate':
      return `${tree.op}(${tree.parts.map(write).join(', ')})`;
    case 'orEmpty':
      return `${write(tree.operand)}.concatenate()`;
    case 'days':
      return `datediff(${write(tree.operand)}, today())`;
    case 'year':
    case 'month':
    case 'sum':
    case 'avg':
    case 'count':
    case 'min':
    case 'max':
      return `${tree.op}(${write(tree.operand)})`;
    default:
      return `(${write(tree.left)} ${tree.op} ${write(tree.right)})`;
  }
}

/** What stands directly below. */
export const children = (tree: Tree): Tree[] =>
  Object.values(tree).flatMap((part: unknown) =>
    Array.isArray(part) ? (part as Tree[]) : typeof part === 'object' && part !== null ? [part as Tree] : [],
  );

export const AGGREGATES = ['sum', 'avg', 'count', 'min', 'max'];

/** @param read the value of a field, of a calculated field, or of an aggregate */
export function compute(tree: Tree, read: (leaf: Tree) => Value): Value {
  const at = (part: Tree) => compute(part, read);
  switch (tree.op) {
    case 'literal':
      return tree.value;
    case 'minus': {
      const value = at(tree.operand);
      return value === null ? null : -(value as number);
    }
    case 'if':
      return at(tree.condition) === true ? at(tree.one) : at(tree.other);
    case 'find': {
      const [part, text] = tree.parts.map(at);
      return part === null || text === null ? null : String(text).indexOf(String(part)) + 1;
    }
    case 'concatenate': {
      const parts = tree.parts.map(at);
      return parts.includes(null) ? null : parts.join('');
    }
    case 'orEmpty':
      return at(tree.operand) ?? '';
    case 'year':
    case 'month': {
      const date = at(tree.operand) as string | null;
      return date === null ? null : Number(tree.op === 'year' ? date.slice(0, 4) : date.slice(5, 7));
    }
    case 'days': {
      const date = at(tree.operand) as string | null;
      return date === null ? null : (Date.parse(TODAY) - Date.parse(date.slice(0, 10))) / 86_400_000;
    }
    case 'field':
    case 'calculated':
    case 'sum':
    case 'avg':
    case 'count':
    case 'min':
    case 'max':
      return read(tree);
    default:
      return combine(tree.op, at(tree.left), at(tree.right));
  }
}

function combine(op: string, left: Value, right: Value): Value {
  if (left === null || right === null) {
    return null;
  }
  const [one, other] = [left as number, right as number];
  switch (op) {
    case '+':
      return one + other;
    case '-':
      return one - other;
    case '*':
      return one * other;
    case '/':
      return other === 0 ? null : one / other;
    case '==':
      return one === other;
    case '!=':
      return one !== other;
    case '<':
      return one < other;
    default:
      return one >= other;
  }
}

const field = (...columns: string[]) =>
  fc.record({ op: fc.constant('field' as const), table: fc.nat(1), column: fc.constantFrom(...columns) });

/** Divisions are by powers of two only: the evaluator has no decimals. */
const { number, text, boolean } = fc.letrec<{ number: Tree; text: Tree; boolean: Tree }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'tree' },
    field('n', 'k', 'id'),
    fc.record({ op: fc.constant('literal' as const), value: fc.constantFrom(0, 1, 2, 3.5) }),
    fc.record({ op: fc.constantFrom('+' as const, '-' as const, '*' as const), left: tie('number'), right: tie('number') }),
    fc.record({
      op: fc.constant('/' as const),
      left: tie('number'),
      right: fc.oneof(field('n'), fc.constant<Tree>({ op: 'literal', value: 4 })),
    }),
    fc.record({ op: fc.constant('minus' as const), operand: tie('number') }),
    fc.record({ op: fc.constant('if' as const), condition: tie('boolean'), one: tie('number'), other: tie('number') }),
    fc.record({ op: fc.constant('find' as const), parts: fc.tuple(tie('text'), tie('text')) }),
    fc.record({ op: fc.constantFrom('year' as const, 'month' as const, 'days' as const), operand: field('d', 's') }),
    fc.record({ op: fc.constant('calculated' as const), index: fc.constant(0) }),
  ),
  text: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'tree' },
    field('t'),
    fc.record({ op: fc.constant('literal' as const), value: fc.constantFrom('', 'a', 'b', 'x"y\\') }),
    fc.record({ op: fc.constant('concatenate' as const), parts: fc.array(fc.oneof(tie('text'), field('id')), { minLength: 1, maxLength: 3 }) }),
    fc.record({ op: fc.constant('orEmpty' as const), operand: field('t') }),
  ),
  boolean: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'tree' },
    field('b'),
    fc.record({ op: fc.constantFrom('==' as const, '!=' as const, '<' as const, '>=' as const), left: tie('number'), right: tie('number') }),
    fc.record({ op: fc.constantFrom('==' as const, '!=' as const), left: tie('text'), right: tie('text') }),
  ),
})); // prettier-ignore

const aggregated = fc.oneof(
  fc.record({ op: fc.constantFrom('sum' as const, 'avg' as const, 'count' as const, 'min' as const, 'max' as const), operand: number }),
  fc.record({ op: fc.constant('count' as const), operand: fc.oneof(text, field('d')) }),
); // prettier-ignore

export const anyTree: fc.Arbitrary<Tree> = fc.oneof(
  number,
  text,
  boolean,
  aggregated,
  fc.record({
    op: fc.constantFrom('+' as const, '*' as const),
    left: aggregated,
    right: fc.oneof(fc.constant<Tree>({ op: 'literal', value: 2 }), aggregated, number),
  }),
);
