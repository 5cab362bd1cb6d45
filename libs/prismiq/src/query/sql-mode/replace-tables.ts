import { quoteIdentifier } from '../../sql/identifier.js';
import { parseSql } from '../../sql/statements/grammar.js';
import { readRelations } from '../../sql/statements/relations.js';
import type { CheckedQuery } from './check-query.js';
import type { SqlText } from './sql-text.js';

/**
 * New texts for the tokens that name tables, by the index of the token.
 *
 * @param sources what to write for each of the query's tables
 */
export function replaceTables(
  text: SqlText,
  query: Pick<CheckedQuery, 'tables' | 'ctes'>,
  sources: readonly string[],
): ReadonlyMap<number, string> {
  assertReplaceable(text, query);
  return replace(text, query, sources);
}

function replace(
  text: SqlText,
  { tables, ctes }: Pick<CheckedQuery, 'tables' | 'ctes'>,
  sources: readonly string[],
): ReadonlyMap<number, string> {
  const replaced = new Map<number, string>();
  for (const { names, location } of ctes) {
    // As they were read, so that the server folds and cuts nothing in another way.
    replaced.set(findToken(text, location), quoteIdentifier(names[0]!));
  }
  for (const [index, { names, location, hasAlias }] of tables.entries()) {
    const first = findToken(text, location);
    const last = first + 2 * (names.length - 1);
    for (let token = first + 1; token <= last; token += 1) {
      replaced.set(token, '');
    }
    replaced.set(first, `${sources[index]!}${hasAlias ? '' : ` AS ${quoteIdentifier(names.at(-1)!)}`}`);
    // A star behind a table says what holds without it: tables that inherit from it are read as well.
    if (text.tokenText(last + 1) === '*') {
      replaced.set(last + 1, '');
    }
    if (text.tokenText(first - 1)?.toUpperCase() === 'TABLE') {
      replaced.set(first - 1, 'SELECT * FROM');
    }
  }
  return replaced;
}

function findToken(text: SqlText, location: number): number {
  const index = text.indexAt(location);
  if (index === undefined) {
    throw new Error(`No token of the SQL text begins at byte ${location}.`);
  }
  return index;
}

/** Puts names that nobody has in place of the tables, and reads the text again: now it must name these and no others. */
function assertReplaceable(text: SqlText, query: Pick<CheckedQuery, 'tables' | 'ctes'>): void {
  const names = query.tables.map((_, index) => `table ${index}`);
  const replaced = replace(
    text,
    query,
    names.map((name) => `replaced.${quoteIdentifier(name)}`),
  );
  const statements = parseSql(text.join(replaced)) ?? [];
  const executed = statements.map(({ node }) => node);
  const found = readRelations({ executed, defined: [], runsUnreadable: false })
    .filter(({ role }) => role === 'read')
    .map(({ schema, name }) => (schema === 'replaced' ? name : undefined));
  if (executed.length !== 1 || found.length !== names.length || names.some((name) => !found.includes(name))) {
    throw new Error('The tables of an SQL text could not be replaced.');
  }
}
