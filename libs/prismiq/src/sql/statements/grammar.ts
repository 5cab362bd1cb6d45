import type { Node, ScanToken, SqlError } from 'libpg-query';
import { SqlGrammarMissingError } from '../../errors/configuration.errors.js';

/** A statement as PostgreSQL's grammar reads it, before any name is looked up. */
export interface ParsedStatement {
  /** Its text, without the semicolon. */
  readonly sql: string;
  readonly node: Node;
}

type Grammar = typeof import('libpg-query');

let grammar: Grammar | undefined;

/**
 * Loads PostgreSQL's own grammar, which takes some 50 ms the first time. All functions of this folder are synchronous after that.
 *
 * @throws SqlGrammarMissingError
 */
export async function loadSqlGrammar(): Promise<void> {
  if (grammar !== undefined) {
    return;
  }
  try {
    const loaded = await import('libpg-query');
    await loaded.loadModule();
    grammar = loaded;
  } catch (error) {
    throw new SqlGrammarMissingError(error);
  }
}

function loaded(): Grammar {
  if (grammar === undefined) {
    throw new Error('The SQL grammar is not loaded: await loadSqlGrammar() first.');
  }
  return grammar;
}

/** @returns `undefined` if the grammar does not know the text: it is wrong, or written for a newer server */
export function parseSql(sql: string): ParsedStatement[] | undefined {
  if (sql === '') {
    return [];
  }
  const stmts = attempt(sql, ({ parseSync }) => parseSync(sql).stmts ?? []);
  // Positions are in bytes.
  const bytes = Buffer.byteLength(sql) === sql.length ? undefined : Buffer.from(sql);
  return stmts?.map(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    const end = length === undefined ? undefined : start + length;
    return { node: stmt!, sql: (bytes?.subarray(start, end).toString() ?? sql.slice(start, end)).trim() };
  });
}

/** What the grammar refuses in a text. */
export interface SyntaxFault {
  /** In PostgreSQL's words. */
  readonly message: string;
  /** In code points, from 0. */
  readonly position: number;
}

/** @returns nothing where the grammar knows the text */
export function findSyntaxFault(sql: string): SyntaxFault | undefined {
  try {
    loaded().parseSync(sql);
    return undefined;
  } catch (error) {
    const { message, sqlDetails } = error as SqlError;
    return { message, position: sqlDetails?.cursorPosition ?? 0 };
  }
}

/** @param definition CREATE FUNCTION, CREATE PROCEDURE or DO, in PL/pgSQL */
export const parsePlPgSql = (definition: string): object | undefined =>
  attempt(definition, ({ parsePlPgSQLSync }) => parsePlPgSQLSync(definition));

/** Tokens by PostgreSQL's lexer, which reads texts that its grammar does not know. None where the lexer refuses the text. */
export const scanSql = (sql: string): ScanToken[] => attempt(sql, ({ scanSync }) => scanSync(sql).tokens) ?? [];

function attempt<T>(sql: string, read: (grammar: Grammar) => T): T | undefined {
  const grammar = loaded();
  // A C string would end there.
  if (sql.includes('\0')) {
    return undefined;
  }
  try {
    return read(grammar);
  } catch {
    return undefined;
  }
}
