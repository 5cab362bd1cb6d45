import { refuse } from '../filters/refuse.js';

export interface Token {
  readonly type: 'number' | 'text' | 'field' | 'name' | 'symbol' | 'end';
  /** Of a text and of a field, what stands inside. */
  readonly text: string;
  /** From 1. */
  readonly position: number;
}

const TOKEN =
  /(?<space>\s+)|(?<number>\d+(?:\.\d+)?)|"(?<text>(?:[^"\\]|\\.)*)"|\[(?<field>[^\]]*)\]|(?<name>[A-Za-z_]\w*)|(?<symbol>==|!=|>=|<=|[-+*/=<>(),.])/suy;

/** @throws InvalidQueryError */
export function tokenize(expression: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(expression)?.groups;
    if (groups === undefined) {
      const character = String.fromCodePoint(expression.codePointAt(at)!);
      refuse('INVALID_EXPRESSION', `unexpected ${JSON.stringify(character)} at position ${at + 1}`);
    }
    for (const type of ['number', 'text', 'field', 'name', 'symbol'] as const) {
      const text = groups[type];
      if (text !== undefined) {
        tokens.push({ type, text: type === 'text' ? text.replaceAll(/\\(.)/gsu, '$1') : text, position: at + 1 });
      }
    }
  }
  return [...tokens, { type: 'end', text: '', position: expression.length + 1 }];
}
