import { findSyntaxFault, parseSql, scanSql, type ParsedStatement } from '../../sql/statements/grammar.js';
import { refuse, type SqlPlace } from './sql-issue.js';

/** The longest text, in bytes of UTF-8. */
export const MAX_SQL_BYTES = 20_000;
/** Parentheses and brackets within one another. */
const MAX_NESTING = 100;
/** Tokens without a comma. Each may nest the tree once more. */
const MAX_TOKENS_IN_ROW = 3000;

/** Control characters that the lexer's answer cannot carry, and that no query needs. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const PARAMETER_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

interface Token {
  /** As it is sent. */
  text: string;
  /** What stands before it in the text that is sent. */
  gap: '' | ' ' | '\n';
  /** Where it begins in the text as it was written, in bytes. */
  readonly start: number;
  /** Where it begins in the text that is parsed, in bytes. */
  at: number;
}

/**
 * A user's text as a list of tokens: without comments, without semicolons at its ends, and with `$1`, `$2` for `:name`. It is parsed
 * and sent in this form, so that PostgreSQL reads exactly what was checked.
 */
export class SqlText {
  /** The names of the parameters, in the order of their numbers. */
  readonly parameters: readonly string[];
  readonly #tokens: readonly Token[];
  readonly #indexAt: ReadonlyMap<number, number>;
  readonly #written: Buffer;

  /** @throws InvalidQueryError */
  constructor(readonly written: string) {
    this.#written = toBytes(written);
    const { tokens, parameters } = readTokens(written, this.#written);
    this.#tokens = tokens;
    this.parameters = parameters;
    this.#indexAt = new Map(tokens.map(({ at }, index) => [at, index]));
  }

  /** @throws InvalidQueryError where PostgreSQL's grammar does not know the text */
  parse(): ParsedStatement[] {
    const sql = this.join();
    const statements = parseSql(sql);
    if (statements === undefined) {
      const { message, position } = findSyntaxFault(sql)!;
      refuse(this.restoreParameters(message), this.placeOfPosition(sql, position));
    }
    return statements;
  }

  /** The index of the token that begins at a location of the parsed tree. */
  indexAt(location: number): number | undefined {
    return this.#indexAt.get(location);
  }

  tokenText(index: number): string | undefined {
    return this.#tokens[index]?.text;
  }

  /** @param location in the parsed tree */
  placeAt(location: number): SqlPlace {
    let index = this.#tokens.findIndex(({ at }) => at > location) - 1;
    index = index < 0 ? this.#tokens.length - 1 : index;
    return this.placeOfToken(index);
  }

  /** The text with other texts in place of tokens, by their index. */
  join(replaced: ReadonlyMap<number, string> = new Map()): string {
    return this.#tokens.map(({ gap, text }, index) => gap + (replaced.get(index) ?? text)).join('');
  }

  /**
   * Where the user wrote what stands at a position of the text that `join` returned.
   *
   * @param position in code points, from 0
   * @returns undefined in a text that has replaced a token
   */
  findPlace(position: number, replaced: ReadonlyMap<number, string>): SqlPlace | undefined {
    const index = this.findToken(position, replaced);
    return index === undefined || replaced.has(index) ? undefined : this.placeOfToken(index);
  }

  /** The token at a position of the text that `join` returned. */
  findToken(position: number, replaced: ReadonlyMap<number, string>): number | undefined {
    let end = 0;
    const index = this.#tokens.findIndex(({ gap, text }, index) => {
      end += countCharacters(gap + (replaced.get(index) ?? text));
      return position < end;
    });
    return index < 0 || position < 0 ? undefined : index;
  }

  private placeOfPosition(sql: string, position: number): SqlPlace {
    const index = this.findToken(position, new Map());
    return index === undefined ? placeIn(this.#written, this.#written.length) : this.placeOfToken(index);
  }

  private placeOfToken(index: number): SqlPlace {
    return placeIn(this.#written, this.#tokens[index]?.start ?? 0);
  }

  private restoreParameters(message: string): string {
    return message.replaceAll(/\$(\d+)/g, (text, number: string) => {
      const name = this.parameters[Number(number) - 1];
      return name === undefined ? text : `:${name}`;
    });
  }
}

function toBytes(sql: string): Buffer {
  const bytes = Buffer.from(sql);
  if (bytes.length > MAX_SQL_BYTES) {
    refuse(`The SQL text has ${bytes.length} bytes, and ${MAX_SQL_BYTES} are allowed`);
  }
  if (CONTROL.test(sql) || !sql.isWellFormed()) {
    refuse('The SQL text contains characters that are not allowed: remove control characters');
  }
  return bytes;
}

function readTokens(written: string, bytes: Buffer): { tokens: Token[]; parameters: string[] } {
  const scanned = scanSql(written);
  if (scanned.length === 0 && written.trim() !== '') {
    refuse(...describeLexicalFault(written, bytes));
  }
  const tokens: Token[] = [];
  const parameters: string[] = [];
  let end = 0;
  for (let index = 0; index < scanned.length; index += 1) {
    const { text, tokenName, start, end: tokenEnd } = scanned[index]!;
    const gap = bytes.subarray(end, start).toString();
    if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT') {
      continue;
    }
    end = tokenEnd;
    const token: Token = { text, gap: gap.includes('\n') ? '\n' : gap === '' ? '' : ' ', start, at: 0 };
    const next = scanned[index + 1];
    if (text === ':' && next?.start === tokenEnd && PARAMETER_NAME.test(next.text)) {
      const known = parameters.indexOf(next.text);
      const number = known < 0 ? parameters.push(next.text) : known + 1;
      Object.assign(token, { text: `$${number}`, gap: token.gap === '' ? ' ' : token.gap });
      end = next.end;
      index += 1;
    } else if (tokenName === 'PARAM') {
      refuse(`Write parameters with a name, such as :status, not as ${text}`, placeIn(bytes, start));
    } else if (/^u&"/i.test(text)) {
      refuse('Names in the form U&"…" are not allowed', placeIn(bytes, start));
    }
    if (/^\$\d/.test(tokens.at(-1)?.text ?? '') && token.gap === '') {
      token.gap = ' ';
    }
    tokens.push(token);
  }
  while (tokens.at(-1)?.text === ';') {
    tokens.pop();
  }
  while (tokens[0]?.text === ';') {
    tokens.shift();
  }
  if (tokens.length === 0) {
    refuse('The SQL text contains no statement');
  }
  tokens[0]!.gap = '';
  setPositions(tokens);
  assertShallow(tokens, bytes);
  return { tokens, parameters };
}

function setPositions(tokens: readonly Token[]): void {
  let at = 0;
  for (const token of tokens) {
    token.at = at + token.gap.length;
    at = token.at + Buffer.byteLength(token.text);
  }
}

/**
 * Deep trees overflow the parser's stack, which breaks it for the whole process. No tree is deeper than its longest row of tokens, in
 * which commas begin anew and parentheses do not.
 */
function assertShallow(tokens: readonly Token[], bytes: Buffer): void {
  const groups = [{ base: 0, row: 0, longest: 0 }];
  for (const { text, start } of tokens) {
    const group = groups.at(-1)!;
    if (text === ',') {
      group.row = group.base;
    }
    group.row += 1;
    group.longest = Math.max(group.longest, group.row);
    if (text === '(' || text === '[') {
      groups.push({ base: group.row, row: group.row, longest: group.row });
    } else if ((text === ')' || text === ']') && groups.length > 1) {
      groups.pop();
      groups.at(-1)!.row = group.longest;
    }
    if (groups.length > MAX_NESTING || group.row > MAX_TOKENS_IN_ROW) {
      refuse('The SQL text is nested too deeply', placeIn(bytes, start));
    }
  }
}

/** A text that the lexer refuses, the grammar refuses as well, and says where. */
function describeLexicalFault(written: string, bytes: Buffer): [string, SqlPlace] {
  const { message, position } = findSyntaxFault(written) ?? { message: 'The SQL text cannot be read', position: 0 };
  const before = Array.from(written).slice(0, position).join('');
  return [message, placeIn(bytes, Buffer.byteLength(before))];
}

function placeIn(bytes: Buffer, offset: number): SqlPlace {
  const lines = bytes.subarray(0, offset).toString().split('\n');
  return { line: lines.length, column: countCharacters(lines.at(-1)!) + 1 };
}

const countCharacters = (text: string): number => Array.from(text).length;
