import type { Node } from 'libpg-query';
import { parsePlPgSql, parseSql, scanSql, type ParsedStatement } from './grammar.js';
import { getKind, findOption, toStrings } from './tree.js';

/** What a statement runs, and what it only defines. */
export interface Code {
  /** The statement itself, and those of its DO block. */
  readonly executed: readonly Node[];
  /** Those of the body of a function that it creates. */
  readonly defined: readonly Node[];
  /** Whether it also runs statements that cannot be read: text put together at run time, another language, newer syntax. */
  readonly runsUnreadable: boolean;
}

interface Body {
  readonly statements: readonly ParsedStatement[];
  readonly isComplete: boolean;
}

const UNREADABLE: Body = { statements: [], isComplete: false };

/** Reads a statement together with the bodies in it. */
export function readCode(statement: ParsedStatement): Code {
  const executed: Node[] = [];
  const defined: Node[] = [];
  let runsUnreadable = false;
  const read = ({ node, sql }: ParsedStatement, list: Node[]): void => {
    list.push(node);
    if ('DoStmt' in node) {
      const body = readBody(sql, node.DoStmt.args, 'plpgsql');
      runsUnreadable ||= !body.isComplete && list === executed;
      body.statements.forEach((inner) => read(inner, list));
    } else if ('CreateFunctionStmt' in node) {
      readBody(sql, node.CreateFunctionStmt.options, 'sql').statements.forEach((inner) => read(inner, defined));
    }
  };
  read(statement, executed);
  return { executed, defined, runsUnreadable };
}

function readBody(definition: string, options: readonly Node[] | undefined, defaultLanguage: string): Body {
  const given = findOption(options, 'language');
  const language = typeof given === 'object' && 'String' in given ? given.String.sval?.toLowerCase() : defaultLanguage;
  if (language === 'plpgsql') {
    return readPlPgSql(definition);
  }
  const text = findOption(options, 'as');
  if (language !== 'sql' || typeof text !== 'object') {
    return UNREADABLE;
  }
  const statements = parseSql('List' in text ? toStrings(text.List.items).join(';') : toStrings([text]).join(';'));
  return statements === undefined ? UNREADABLE : { statements, isComplete: true };
}

interface PlPgSqlExpression {
  readonly query: string;
  /** How PL/pgSQL reads it: 0 as a statement, 2 as an expression, 3 to 5 as an assignment. */
  readonly parseMode: number;
}

function readPlPgSql(definition: string): Body {
  const tree = parsePlPgSql(definition);
  if (tree === undefined) {
    return UNREADABLE;
  }
  const statements: ParsedStatement[] = [];
  let isComplete = true;
  const add = (sql: string): readonly ParsedStatement[] => {
    const parsed = parseSql(sql);
    statements.push(...(parsed ?? []));
    isComplete &&= parsed !== undefined;
    return parsed ?? [];
  };
  const visit = (value: unknown, isDynamic: boolean, parent = ''): void => {
    if (typeof value !== 'object' || value === null) {
      return;
    }
    for (const [key, child] of Object.entries(value)) {
      if (key === 'PLpgSQL_expr') {
        const [expression] = add(toStatement(child as PlPgSqlExpression));
        const constant = isDynamic ? readConstant(expression?.node) : undefined;
        isComplete &&= !isDynamic || constant !== undefined;
        add(constant ?? '');
      } else if (key === 'PLpgSQL_stmt_commit' || key === 'PLpgSQL_stmt_rollback') {
        add(key === 'PLpgSQL_stmt_commit' ? 'COMMIT' : 'ROLLBACK');
      } else {
        visit(child, key === 'dynquery' || (key === 'query' && /_dyn/.test(parent)), key);
      }
    }
  };
  visit(tree, false);
  return { statements, isComplete };
}

/** A PL/pgSQL expression as a statement of its own. */
function toStatement({ query, parseMode }: PlPgSqlExpression): string {
  if (parseMode === 0) {
    return query;
  }
  return `SELECT ${parseMode === 2 ? query : assigned(query)}`;
}

/** The right-hand side of `target := …`, where the target may have subscripts. */
function assigned(assignment: string): string {
  let depth = 0;
  for (const { text, end } of scanSql(assignment)) {
    depth += text === '[' || text === '(' ? 1 : text === ']' || text === ')' ? -1 : 0;
    if (depth === 0 && (text === ':=' || text === '=')) {
      return Buffer.from(assignment).subarray(end).toString();
    }
  }
  return assignment;
}

/** The text that EXECUTE runs, where it is a constant. */
function readConstant(node: Node | undefined): string | undefined {
  const [target] = node !== undefined && 'SelectStmt' in node ? (node.SelectStmt.targetList ?? []) : [];
  const value = target !== undefined && 'ResTarget' in target ? target.ResTarget.val : undefined;
  return value !== undefined && getKind(value) === 'A_Const' && 'A_Const' in value
    ? value.A_Const.sval?.sval
    : undefined;
}
