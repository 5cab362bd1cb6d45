/** A piece of an SQL text that means something; white space and comments do not. */
export type SqlToken =
  /** An unquoted name or a keyword, folded to lower case as PostgreSQL does. */
  | { readonly kind: 'word'; readonly text: string }
  /** A quoted name, without its quotes. */
  | { readonly kind: 'quoted'; readonly text: string }
  /** A string constant of any form: what it stands for. */
  | { readonly kind: 'string'; readonly text: string }
  /** `$1`: its number. */
  | { readonly kind: 'parameter'; readonly index: number }
  /** A number, or a single character of punctuation or of an operator. */
  | { readonly kind: 'other'; readonly text: string };

const SPACE = /(?:\s+|--[^\n\r]*)+/y;
const COMMENT_MARK = /\/\*|\*\//g;
const DOLLAR_QUOTE = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy;
const PARAMETER = /\$(\d+)/y;
const WORD = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy;
const NUMBER = /\d[\w.]*/y;
/** With its prefix: escapes, Unicode, bits, national characters. */
const STRING = /(e|u&|[bxn])?'/iy;
const QUOTED = /(u&)?"/iy;
/** What stands in a string and is no part of it, or ends it. */
const IN_STRING = /''|'/g;
const IN_ESCAPED_STRING = /\\[^]?|''|'/g;
const IN_QUOTED = /""|"/g;
const UESCAPE = /\s*uescape\s*'([^'])'/iy;

/**
 * Splits an SQL text as PostgreSQL does (with `standard_conforming_strings`, its default). What is never closed goes on to the
 * end: PostgreSQL refuses it anyway.
 */
export function tokenize(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(sql);
    if (match !== null) {
      position = pattern.lastIndex;
    }
    return match ?? undefined;
  };
  /** Step by step, since a pattern for a whole string of megabytes would exhaust the stack. */
  const takeUntil = (end: string, marks: RegExp): string => {
    const start = position;
    marks.lastIndex = start;
    let mark = marks.exec(sql);
    while (mark !== null && mark[0] !== end) {
      mark = marks.exec(sql);
    }
    position = mark === null ? sql.length : marks.lastIndex;
    return sql.slice(start, mark?.index);
  };
  const unicode = (text: string): string => decodeUnicode(text, take(UESCAPE)?.[1] ?? '\\');

  while (position < sql.length) {
    if (take(SPACE) !== undefined) {
      continue;
    }
    if (sql.startsWith('/*', position)) {
      position = endOfComment(sql, position);
      continue;
    }
    const string = take(STRING);
    if (string !== undefined) {
      const prefix = string[1]?.toLowerCase();
      const text = takeUntil("'", prefix === 'e' ? IN_ESCAPED_STRING : IN_STRING);
      const plain = text.replaceAll("''", "'");
      const decoded = prefix === 'e' ? decodeEscapes(plain) : plain;
      tokens.push({ kind: 'string', text: prefix === 'u&' ? unicode(plain) : decoded });
      continue;
    }
    const quoted = take(QUOTED);
    if (quoted !== undefined) {
      const text = takeUntil('"', IN_QUOTED).replaceAll('""', '"');
      tokens.push({ kind: 'quoted', text: quoted[1] === undefined ? text : unicode(text) });
      continue;
    }
    const dollar = take(DOLLAR_QUOTE);
    if (dollar !== undefined) {
      const end = sql.indexOf(dollar[0], position);
      tokens.push({ kind: 'string', text: sql.slice(position, end === -1 ? sql.length : end) });
      position = end === -1 ? sql.length : end + dollar[0].length;
      continue;
    }
    const parameter = take(PARAMETER);
    if (parameter !== undefined) {
      tokens.push({ kind: 'parameter', index: Number(parameter[1]) });
      continue;
    }
    const word = take(WORD);
    if (word !== undefined) {
      tokens.push({ kind: 'word', text: foldCase(word[0]) });
      continue;
    }
    const text = take(NUMBER)?.[0] ?? sql[position++]!;
    tokens.push({ kind: 'other', text });
  }
  return tokens;
}

/** Comments may stand in each other. */
function endOfComment(sql: string, start: number): number {
  let depth = 0;
  COMMENT_MARK.lastIndex = start;
  for (let mark = COMMENT_MARK.exec(sql); mark !== null; mark = COMMENT_MARK.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) {
      return COMMENT_MARK.lastIndex;
    }
  }
  return sql.length;
}

/** PostgreSQL folds only these in a UTF-8 database. */
const foldCase = (word: string): string => word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

const ESCAPE = /\\(?:x([0-9a-f]{1,2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([0-7]{1,3})|([^]))/gi;
const CONTROL: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

const decodeEscapes = (text: string): string =>
  text.replace(ESCAPE, (_, byte, short, long, octal, character: string) => {
    const hex: string | undefined = byte ?? short ?? long;
    if (hex !== undefined) {
      return fromCodePoint(Number.parseInt(hex, 16));
    }
    return octal === undefined ? (CONTROL[character] ?? character) : fromCodePoint(Number.parseInt(octal, 8));
  });

function decodeUnicode(text: string, escape: string): string {
  const mark = escape.replace(/[\\^$.*+?()[\]{}|/-]/, String.raw`\$&`);
  const pattern = new RegExp(`${mark}(?:\\+([0-9a-f]{6})|([0-9a-f]{4})|${mark})`, 'gi');
  return text.replace(pattern, (_, long?: string, short?: string) => {
    const hex = long ?? short;
    return hex === undefined ? escape : fromCodePoint(Number.parseInt(hex, 16));
  });
}

const fromCodePoint = (code: number): string => (code <= 0x10_ff_ff ? String.fromCodePoint(code) : '\uFFFD');
