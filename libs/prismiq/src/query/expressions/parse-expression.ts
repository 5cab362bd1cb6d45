import { refuse } from '../filters/refuse.js';
import type { ComparisonOperator, Expression } from './expression.js';
import { tokenize, type Token } from './tokens.js';

const MAX_DEPTH = 50;

const COMPARISONS: Record<string, ComparisonOperator> = {
  '==': 'eq',
  '=': 'eq',
  '!=': 'neq',
  '>': 'gt',
  '>=': 'gte',
  '<': 'lt',
  '<=': 'lte',
};

/**
 * Reads the expression of a calculated field:
 *
 *     expr    = sum { ("==" | "=" | "!=" | ">" | "<" | ">=" | "<=") sum }
 *     sum     = product { ("+" | "-") product }
 *     product = unary { ("*" | "/") unary }
 *     unary   = [ "-" ] primary
 *     primary = number | text | field | field ".concatenate()" | name "(" [ expr { "," expr } ] ")" | "(" expr ")"
 *
 * @throws InvalidQueryError
 */
export function parseExpression(text: string): Expression {
  return new Parser(tokenize(text)).parse();
}

class Parser {
  #index = 0;
  #depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  parse(): Expression {
    if (this.tokens.length === 1) {
      refuse('INVALID_EXPRESSION', 'is empty');
    }
    const expression = this.#expression();
    return this.#next.type === 'end' ? expression : this.#unexpected();
  }

  get #next(): Token {
    return this.tokens[this.#index]!;
  }

  #unexpected(expected?: string): never {
    const { type, text, position } = this.#next;
    const found = type === 'end' ? 'the end' : type === 'field' ? `[${text}]` : JSON.stringify(text);
    const wanted = expected === undefined ? '' : `, expected ${expected}`;
    refuse('INVALID_EXPRESSION', `unexpected ${found} at position ${position}${wanted}`);
  }

  #accept(...symbols: string[]): string | undefined {
    const { type, text } = this.#next;
    if (type !== 'symbol' || !symbols.includes(text)) {
      return undefined;
    }
    this.#index += 1;
    return text;
  }

  #expect(symbol: string): void {
    if (this.#accept(symbol) === undefined) {
      this.#unexpected(JSON.stringify(symbol));
    }
  }

  #expression(): Expression {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) {
      refuse('INVALID_EXPRESSION', `is nested more than ${MAX_DEPTH} levels deep`);
    }
    let left = this.#sum();
    for (let symbol; (symbol = this.#accept(...Object.keys(COMPARISONS))) !== undefined;) {
      left = { type: 'comparison', operator: COMPARISONS[symbol]!, left, right: this.#sum() };
    }
    this.#depth -= 1;
    return left;
  }

  #sum(): Expression {
    let left = this.#product();
    for (let operator; (operator = this.#accept('+', '-')) !== undefined;) {
      left = { type: 'arithmetic', operator: operator as '+' | '-', left, right: this.#product() };
    }
    return left;
  }

  #product(): Expression {
    let left = this.#unary();
    for (let operator; (operator = this.#accept('*', '/')) !== undefined;) {
      left = { type: 'arithmetic', operator: operator as '*' | '/', left, right: this.#unary() };
    }
    return left;
  }

  #unary(): Expression {
    return this.#accept('-') === undefined ? this.#primary() : { type: 'negation', operand: this.#primary() };
  }

  #primary(): Expression {
    const { type, text } = this.#next;
    switch (type) {
      case 'number':
        this.#index += 1;
        return { type, text };
      case 'text':
        this.#index += 1;
        return { type, value: text };
      case 'field':
        this.#index += 1;
        return this.#field(text);
      case 'name':
        this.#index += 1;
        return { type: 'call', name: text, parameters: this.#parameters() };
      default: {
        if (this.#accept('(') === undefined) {
          this.#unexpected();
        }
        const inner = this.#expression();
        this.#expect(')');
        return inner;
      }
    }
  }

  #field(name: string): Expression {
    const field: Expression = { type: 'field', name };
    if (this.#accept('.') === undefined) {
      return field;
    }
    if (this.#next.text !== 'concatenate' || this.#next.type !== 'name') {
      this.#unexpected('concatenate()');
    }
    this.#index += 1;
    this.#expect('(');
    this.#expect(')');
    return { type: 'orEmpty', operand: field };
  }

  #parameters(): Expression[] {
    this.#expect('(');
    const parameters: Expression[] = [];
    if (this.#accept(')') !== undefined) {
      return parameters;
    }
    do {
      parameters.push(this.#expression());
    } while (this.#accept(',') !== undefined);
    this.#expect(')');
    return parameters;
  }
}
