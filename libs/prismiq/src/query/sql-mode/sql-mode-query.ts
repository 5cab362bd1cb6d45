import { InvalidQueryError, type QueryIssue, type QueryIssueCode } from '../../errors/query.errors.js';
import type { SqlFragment } from '../../sql/fragment.js';
import { Parameters } from '../../sql/parameters.js';
import type { RowRules } from '../options/row-filter.js';
import { tableSource } from '../visible-schema/table-source.js';
import type { VisibleSchema, VisibleTable } from '../visible-schema/visible-schema.js';
import { checkQuery, type CheckedQuery, type TableReference } from './check-query.js';
import { readParameter } from './read-parameter.js';
import { replaceTables } from './replace-tables.js';
import { refuse, toIssue, type SqlPlace } from './sql-issue.js';
import { SqlText } from './sql-text.js';

/** A text of a user's, and what it may use. */
export interface SqlModeRequest {
  readonly sql: string;
  /** The values of `:name`: texts, numbers, booleans, null, and lists of these. `undefined`: they are not known yet. */
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly schema: VisibleSchema;
  /** Functions of the host's that may be called, such as `analytics.margin`. */
  readonly functions: ReadonlySet<string>;
}

/** For whom a text is compiled. */
export interface SqlModeContext {
  /** For each table that the text reads. */
  readonly rowRules: RowRules;
  /** Further conditions, by the name of the table, on unqualified columns: those of a dashboard's filters. */
  readonly conditions: ReadonlyMap<string, readonly SqlFragment[]>;
  /** The statement asks for one row more, which tells that there are more. */
  readonly maximumRows: number;
}

/** A text as a statement that reads nothing but what the viewer may see. */
export interface CompiledSql {
  readonly sql: string;
  /** The values of `$1`, `$2`, …: texts, numbers, booleans, null, and arrays of these. */
  readonly parameters: readonly unknown[];
  readonly maximumRows: number;
  /**
   * Where the user wrote what stands at a position of `sql`.
   *
   * @param position as PostgreSQL reports it: in characters, from 1
   * @returns undefined where it stands in what replaces a table
   */
  findPlace(position: number): SqlPlace | undefined;
}

const MAX_ISSUES = 20;

/**
 * A user's text that has been checked: one query that consists of allowed parts and reads visible tables. The grammar must be loaded.
 */
export class SqlModeQuery {
  /** The names of the tables that it reads, sorted. */
  readonly tables: readonly string[];
  readonly #text: SqlText;
  readonly #values: readonly unknown[] | undefined;
  readonly #query: CheckedQuery;
  readonly #sources: readonly VisibleTable[];
  readonly #schema: VisibleSchema;

  /** @throws InvalidQueryError with the reasons why the text is refused */
  constructor({ sql, params, schema, functions }: SqlModeRequest) {
    this.#schema = schema;
    this.#text = new SqlText(sql);
    this.#values = params && this.#text.parameters.map((name) => readParameter(params, name));
    const [statement, ...others] = this.#text.parse();
    if (statement === undefined || others.length > 0) {
      refuse('Exactly one statement is allowed');
    }
    const issues = new Map<string, QueryIssue>();
    const add = (problem: string, location: number, code?: QueryIssueCode): void => {
      if (issues.size < MAX_ISSUES) {
        const issue = toIssue(problem, this.#text.placeAt(location), code);
        issues.set(issue.message, issue);
      }
    };
    this.#query = checkQuery(statement.node, { functions, parameters: this.#values, refuse: add });
    this.#sources = findTables(this.#query, schema, add);
    checkColumns(this.#query, this.#sources, add);
    if (issues.size > 0) {
      throw new InvalidQueryError([...issues.values()], { schema: schema.schema });
    }
    this.tables = [...new Set(this.#sources.map(({ name }) => name))].toSorted();
  }

  compile({ rowRules, conditions, maximumRows }: SqlModeContext): CompiledSql {
    const parameters = new Parameters();
    this.#text.parameters.forEach((_, index) => parameters.add(this.#values?.[index] ?? null));
    const sources = this.#sources.map((table) => {
      const rowRule = rowRules.get(table.name) ?? false;
      const source = { schema: this.#schema, table, rowRule, conditions: conditions.get(table.name), isBarrier: true };
      return render(tableSource(source), parameters);
    });
    const replaced = replaceTables(this.#text, this.#query, sources);
    const head = 'SELECT * FROM (';
    return {
      sql: `${head}${this.#text.join(replaced)}) AS q LIMIT ${maximumRows + 1}`,
      parameters: parameters.values,
      maximumRows,
      findPlace: (position) => this.#text.findPlace(position - 1 - head.length, replaced),
    };
  }
}

type Add = (problem: string, location: number, code?: QueryIssueCode) => void;

function findTables({ tables }: CheckedQuery, schema: VisibleSchema, add: Add): VisibleTable[] {
  return tables.flatMap(({ names, location }: TableReference) => {
    const isOwn = names.length === 1 || (names.length === 2 && names[0] === schema.schema);
    const table = isOwn ? schema.tables.get(names.at(-1)!) : undefined;
    if (table === undefined) {
      add(`Table '${names.join('.')}' not found in schema`, location, 'TABLE_NOT_FOUND');
      return [];
    }
    return [table];
  });
}

function checkColumns(
  { tables, columns, callsAddedFunctions }: CheckedQuery,
  found: readonly VisibleTable[],
  add: Add,
): void {
  for (const location of columns.overqualified) {
    add('Qualify a column by its table or alias alone, as in orders.id', location);
  }
  if (found.length < tables.length) {
    return;
  }
  const visible = new Set(found.flatMap((table) => [...table.columns.keys()]));
  for (const { qualifier, name, location } of columns.findUnknown(visible, callsAddedFunctions)) {
    const written = qualifier === undefined ? name : `${qualifier}.${name}`;
    add(`Column '${written}' not found${listCandidates(visible)}`, location, 'COLUMN_NOT_FOUND');
  }
}

const MAX_CANDIDATES = 50;

function listCandidates(columns: ReadonlySet<string>): string {
  const names = [...columns].toSorted();
  const more = names.length > MAX_CANDIDATES ? ', …' : '';
  return names.length === 0 ? '' : `. Visible columns: ${names.slice(0, MAX_CANDIDATES).join(', ')}${more}`;
}

const render = ({ texts, values }: SqlFragment, parameters: Parameters): string =>
  texts.map((text, index) => text + (index < values.length ? parameters.add(values[index]) : '')).join('');
