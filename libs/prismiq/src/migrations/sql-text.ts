/** A piece of SQL: code, or what only looks like code (a comment, a string, a quoted name). */
interface Piece {
  readonly kind: 'code' | 'comment' | 'string' | 'name' | 'end';
  readonly text: string;
}

const PIECE =
  /(?<comment>--[^\n]*|\/\*)|(?<string>(?<![\w$])[eE]'(?:\\[\s\S]|''|[^'\\])*'|'(?:''|[^'])*'|(?<![\w$])\$(?<tag>(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\k<tag>\$)|(?<name>"(?:""|[^"])*")|(?<end>;)/g;

/** Takes SQL apart, as far as it is needed to find the ends of statements. */
function* piecesOf(sql: string): Generator<Piece> {
  let position = 0;
  PIECE.lastIndex = 0;
  for (;;) {
    PIECE.lastIndex = position;
    const match = PIECE.exec(sql);
    if (match === null) {
      break;
    }
    if (match.index > position) {
      yield { kind: 'code', text: sql.slice(position, match.index) };
    }
    const { comment, string, name } = match.groups!;
    const end = comment === '/*' ? endOfBlockComment(sql, match.index) : match.index + match[0].length;
    const kind =
      comment !== undefined ? 'comment' : string !== undefined ? 'string' : name !== undefined ? 'name' : 'end';
    yield { kind, text: sql.slice(match.index, end) };
    position = end;
  }
  if (position < sql.length) {
    yield { kind: 'code', text: sql.slice(position) };
  }
}

/** PostgreSQL's block comments nest. */
function endOfBlockComment(sql: string, start: number): number {
  const bounds = /\/\*|\*\//g;
  bounds.lastIndex = start;
  let depth = 0;
  for (let match = bounds.exec(sql); match !== null; match = bounds.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) {
      return bounds.lastIndex;
    }
  }
  return sql.length;
}

/** The statements of a text, without the semicolons between them; what is only comments is none. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let text = '';
  let isEmpty = true;
  const finish = (): void => {
    if (!isEmpty) {
      statements.push(text.trim());
    }
    text = '';
    isEmpty = true;
  };
  for (const piece of piecesOf(sql)) {
    if (piece.kind === 'end') {
      finish();
    } else {
      text += piece.text;
      isEmpty &&= piece.kind === 'comment' || piece.text.trim() === '';
    }
  }
  finish();
  return statements;
}

/** The code of a statement in lower case: comments are gone, strings are `''`, and quoted names keep their quotes. */
export function codeOf(statement: string): string {
  let code = '';
  for (const { kind, text } of piecesOf(statement)) {
    code += kind === 'comment' ? ' ' : kind === 'string' ? `''` : kind === 'name' ? '"name"' : text;
  }
  return code.replaceAll(/\s+/g, ' ').trim().toLowerCase();
}

const withoutComments = (statement: string): string =>
  [...piecesOf(statement)].map(({ kind, text }) => (kind === 'comment' ? ' ' : text)).join('');

const LOSSES = [
  /\bdrop (table|column|schema|materialized view|type|domain|sequence|database)\b/,
  // ALTER TABLE … DROP x: the word COLUMN may be left out.
  /^alter (foreign )?table\b.* drop (?!constraint\b|default\b|not null\b|expression\b|identity\b)/,
  /^alter (foreign )?table\b.* alter (column )?\S+ (set data )?type\b/,
  /\btruncate\b/,
  /\bdelete from\b/,
];

/** Whether a statement may lose data. */
export const isDestructive = (statement: string): boolean => {
  const code = codeOf(statement);
  return LOSSES.some((loss) => loss.test(code));
};

const UNFIT: readonly (readonly [RegExp, string])[] = [
  [
    /^(begin|start transaction|commit|end|rollback|abort|savepoint|release|prepare transaction)\b/,
    'it begins or ends a transaction, and each tenant is migrated in one',
  ],
  [
    /^(set (?!local\b|constraints\b|transaction\b)|reset\b|discard\b)/,
    'it changes the session, which behind a pooler is the next one’s as well; SET LOCAL is for the transaction alone',
  ],
  [/\bpg_(try_)?advisory_lock(_shared)?\b/, 'its lock outlives the transaction; use pg_advisory_xact_lock'],
  [/^(listen|unlisten)\b/, 'it changes the session'],
  [/^prepare\b/, 'prepared statements do not pass through a pooler'],
];

/** Why a statement cannot be part of a migration; `undefined`: it can. */
export function forbiddenReason(statement: string): string | undefined {
  const code = codeOf(statement);
  return UNFIT.find(([pattern]) => pattern.test(code))?.[1];
}

/** Whether a statement can only run outside of a transaction. */
export const isConcurrent = (statement: string): boolean =>
  /^((create (unique )?|drop )index|reindex\b.*|refresh materialized view) concurrently\b/.test(codeOf(statement));

const CREATE_INDEX =
  /^\s*create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+("(?:""|[^"])+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)/i;

/** The name of the index that CREATE INDEX CONCURRENTLY IF NOT EXISTS makes. */
export function indexMadeBy(statement: string): string | undefined {
  const name = CREATE_INDEX.exec(withoutComments(statement))?.[1];
  return name?.startsWith('"') === true ? name.slice(1, -1).replaceAll('""', '"') : name?.toLowerCase();
}
