import { parseSql, scanSql } from './grammar.js';
import type { RelationName } from './relations.js';

/** Every name in a text that the grammar does not know, as if it were that of a relation. */
export function scanNames(sql: string): RelationName[] {
  const tokens = scanSql(sql);
  const folded = new Map(tokens.map(({ text }) => [text, undefined as string | undefined]));
  for (const text of folded.keys()) {
    folded.set(text, foldName(text));
  }
  return tokens.flatMap(({ text }, index) => {
    const name = folded.get(text);
    const schema = tokens[index - 1]?.text === '.' ? folded.get(tokens[index - 2]?.text ?? '') : undefined;
    return name === undefined ? [] : [{ schema, name }];
  });
}

/** A token as PostgreSQL folds names, undefined if it is not a name. */
function foldName(token: string): string | undefined {
  const [statement] = parseSql(`LOCK TABLE ${token}`) ?? [];
  const [relation] =
    statement !== undefined && 'LockStmt' in statement.node ? (statement.node.LockStmt.relations ?? []) : [];
  return relation !== undefined && 'RangeVar' in relation ? relation.RangeVar.relname : undefined;
}
