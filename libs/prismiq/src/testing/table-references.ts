import type { SqlToken } from './sql-tokens.js';

/** A place in a statement where a table is named. */
export interface TableReference {
  /** Nothing: PostgreSQL looks along `search_path`. */
  readonly schema: string | undefined;
  readonly table: string;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Behind these stands a table, wherever they are. */
const BEFORE_TABLE = words('from join into update using table references');
/** Behind these, where a statement begins with them. */
const VERBS_BEFORE_TABLE = words('copy lock truncate vacuum analyze cluster');
/** Behind these, in statements that begin with one of {@link DDL}. */
const BEFORE_TABLE_IN_DDL = words('on like inherits');
const DDL = words('create alter drop comment grant revoke security');
/** May stand before the table all the same. */
const PASSED_OVER = words('if not exists only lateral concurrently full verbose');
/** Behind a comma stands another table after these … */
const BEGINS_LIST = words('from using table on lock truncate vacuum analyze');
/** … until one of these. */
const ENDS_LIST = words(
  'select values set where group having window order limit offset fetch for union intersect except returning when',
);
/** `FOR UPDATE`, `FOR NO KEY UPDATE`, `ON UPDATE`, `DO UPDATE`. */
const BEFORE_NO_UPDATE = words('for key on do');
/** `extract(year FROM …)` */
const FUNCTIONS_WITH_FROM = words('extract substring trim overlay');
const BEGINS_QUERY = words('select values with table insert update delete merge');

/** A statement, or what stands in a pair of parentheses. */
interface Frame {
  readonly outer: Frame | undefined;
  /** Of a function that takes FROM. */
  readonly ofFunction: boolean;
  /** The name that WITH has given this query. */
  readonly cte: string | undefined;
  /** The names that its WITH has given so far: they hide tables, here and within. */
  readonly ctes: Set<string>;
  with: 'none' | 'plain' | 'recursive';
  inList: boolean;
  /** Whether this list of tables has a JOIN, whose USING has columns behind it. */
  hasJoin: boolean;
}

/**
 * Finds where a text of one or several statements names tables, by what stands before a name: neither columns nor aliases are
 * taken for one, nor the names that WITH gives. Strings are not looked into: bodies of functions, `DO`, `'…'::regclass`.
 */
export function tableReferences(tokens: readonly SqlToken[]): TableReference[] {
  return new Scanner(tokens).scan();
}

class Scanner {
  readonly #found: TableReference[] = [];
  #frame = frameIn(undefined);
  #isDdl = false;
  /** Whether a table's name comes next. */
  #expected = false;
  /** Whether it is that of a table to be written: no name of WITH can be meant. */
  #isTarget = false;

  constructor(private readonly tokens: readonly SqlToken[]) {}

  scan(): TableReference[] {
    for (let i = 0; i < this.tokens.length; i += 1) {
      const token = this.tokens[i]!;
      if (token.kind === 'other') {
        this.readSymbol(token.text, i);
      } else if (token.kind === 'word' && this.readKeyword(token.text, i)) {
        continue;
      } else if (this.#expected && isName(token)) {
        i = this.readTable(i);
      } else {
        this.#expected = false;
      }
    }
    return this.#found;
  }

  private readSymbol(symbol: string, i: number): void {
    if (symbol === ';') {
      [this.#frame, this.#isDdl, this.#expected] = [frameIn(undefined), false, false];
    } else if (symbol === ',') {
      [this.#expected, this.#isTarget] = [this.#frame.inList, false];
    } else if (symbol === '(') {
      const frame = this.#frame;
      const cte = frame.with === 'none' ? undefined : this.cteBefore(i);
      if (cte !== undefined && frame.with === 'recursive') {
        frame.ctes.add(cte);
      }
      // What is expected is so within: FROM (a JOIN b …).
      this.#frame = frameIn(frame, FUNCTIONS_WITH_FROM.has(this.word(i - 1)), cte);
    } else if (symbol === ')') {
      const { outer, cte } = this.#frame;
      this.#frame = outer ?? this.#frame;
      this.#expected = false;
      if (cte !== undefined) {
        this.#frame.ctes.add(cte);
      }
    } else {
      this.#expected = false;
    }
  }

  /** @returns whether it is one that matters here */
  private readKeyword(keyword: string, i: number): boolean {
    const frame = this.#frame;
    if (this.isStart(i)) {
      this.#isDdl = DDL.has(keyword);
    }
    if (this.isBeforeTable(keyword, i)) {
      this.#expected = true;
      this.#isTarget = ['into', 'update'].includes(keyword) || this.word(i - 1) === 'delete';
      frame.hasJoin = keyword === 'join';
      frame.inList = BEGINS_LIST.has(keyword) || (frame.hasJoin && frame.inList);
    } else if (ENDS_LIST.has(keyword)) {
      [this.#expected, frame.inList, frame.hasJoin] = [false, false, false];
    } else if (keyword === 'with') {
      [this.#expected, frame.with] = [false, this.word(i + 1) === 'recursive' ? 'recursive' : 'plain'];
    } else {
      return this.#expected && PASSED_OVER.has(keyword);
    }
    return true;
  }

  private isBeforeTable(keyword: string, i: number): boolean {
    const before = this.word(i - 1);
    if (keyword === 'from') {
      const isOperator = before === 'distinct' && ['is', 'not'].includes(this.word(i - 2));
      return !isOperator && !this.#frame.ofFunction;
    }
    if (keyword === 'update') {
      return !BEFORE_NO_UPDATE.has(before);
    }
    if (keyword === 'using') {
      return !this.#frame.hasJoin;
    }
    return (
      BEFORE_TABLE.has(keyword) ||
      (VERBS_BEFORE_TABLE.has(keyword) && this.isStart(i)) ||
      (BEFORE_TABLE_IN_DDL.has(keyword) && this.#isDdl)
    );
  }

  /** @returns where its last part stands */
  private readTable(start: number): number {
    let end = start;
    while (this.isSymbol(end + 1, '.') && isName(this.tokens[end + 2])) {
      end += 2;
    }
    const name = (i: number) => (this.tokens[i] as { text: string }).text;
    const [table, schema] = [name(end), end === start ? undefined : name(end - 2)];
    if (schema !== undefined || this.#isTarget || !isCte(table, this.#frame)) {
      this.#found.push({ schema, table });
    }
    this.#expected = false;
    return end;
  }

  /** The `x` of `x AS (SELECT`, `x (a, b) AS NOT MATERIALIZED (SELECT`, where the last parenthesis stands at `i`. */
  private cteBefore(i: number): string | undefined {
    if (!BEGINS_QUERY.has(this.word(i + 1)) && !this.isSymbol(i + 1, '(')) {
      return undefined;
    }
    let at = i - 1;
    at -= this.word(at) === 'materialized' ? 1 : 0;
    at -= this.word(at) === 'not' ? 1 : 0;
    if (this.word(at) !== 'as') {
      return undefined;
    }
    at -= 1;
    if (this.isSymbol(at, ')')) {
      while (at > 0 && !this.isSymbol(at, '(')) {
        at -= 1;
      }
      at -= 1;
    }
    const token = this.tokens[at];
    return isName(token) ? token.text : undefined;
  }

  private word(i: number): string {
    const token = this.tokens[i];
    return token?.kind === 'word' ? token.text : '';
  }

  private isSymbol(i: number, symbol: string): boolean {
    const token = this.tokens[i];
    return token?.kind === 'other' && token.text === symbol;
  }

  private isStart(i: number): boolean {
    return i === 0 || this.isSymbol(i - 1, ';');
  }
}

const frameIn = (outer: Frame | undefined, ofFunction = false, cte?: string): Frame => ({
  outer,
  ofFunction,
  cte,
  ctes: new Set(),
  with: 'none',
  inList: false,
  hasJoin: false,
});

function isCte(name: string, frame: Frame): boolean {
  let within: Frame | undefined = frame;
  while (within !== undefined && !within.ctes.has(name)) {
    within = within.outer;
  }
  return within !== undefined;
}

function isName(token: SqlToken | undefined): token is SqlToken & { kind: 'word' | 'quoted' } {
  return token?.kind === 'word' || token?.kind === 'quoted';
}
