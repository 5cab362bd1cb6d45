import type { Alias, ColumnRef, FuncCall, Node, RangeFunction } from 'libpg-query';
import { toStrings } from '../../sql/statements/tree.js';
import { DEFAULT_COLUMNS, FUNCTION_COLUMNS } from './allowed-names.js';
import type { NodeBody } from './walk-query.js';

/** A column where the text names it. */
export interface ColumnReference {
  /** The table or alias before the dot. */
  readonly qualifier: string | undefined;
  readonly name: string;
  readonly location: number;
}

type Collect = (body: NodeBody, location: number) => void;

/**
 * The columns that a query names, and the names that it makes itself: aliases, queries of WITH, results of functions. Only PostgreSQL
 * can tell exactly what a name means; here it only must exist somewhere.
 *
 * That also keeps functions out that are not called as such: PostgreSQL reads `q.f` as `f(q)` where `q` has no column `f`.
 */
export class ColumnNames {
  readonly #made = new Set(DEFAULT_COLUMNS);
  readonly #references: ColumnReference[] = [];
  /** References with more than two parts. */
  readonly overqualified: number[] = [];
  /** The columns of the functions in FROM, by alias. Such a `q` may be a text or a number, to which many functions apply. */
  readonly #functionColumns = new Map<string, string[][]>();

  add(kind: string, body: NodeBody, location: number): void {
    this.#collectors[kind]?.(body, location);
  }

  /**
   * @param columns of all tables that the query reads
   * @param onlyQualified whether to leave out names without a qualifier
   */
  findUnknown(columns: ReadonlySet<string>, onlyQualified: boolean): ColumnReference[] {
    return this.#references.filter(({ qualifier, name }) => {
      if (qualifier === undefined) {
        return !onlyQualified && !this.exists(name, columns);
      }
      return (
        !this.exists(name, columns) ||
        this.#functionColumns.get(qualifier)?.some((ofFunction) => !ofFunction.includes(name)) === true
      );
    });
  }

  private exists(name: string, columns: ReadonlySet<string>): boolean {
    return columns.has(name) || this.#made.has(name);
  }

  readonly #collectors: Readonly<Record<string, Collect>> = {
    Alias: ({ aliasname, colnames }) => this.make(aliasname, ...toStrings(colnames as Node[])),
    ColumnDef: ({ colname }) => this.make(colname),
    ColumnRef: ({ fields }, location) => this.refer(fields as ColumnRef['fields'], location),
    CommonTableExpr: ({ ctename, aliascolnames }) => this.make(ctename, ...toStrings(aliascolnames as Node[])),
    CTECycleClause: ({ cycle_mark_column, cycle_path_column }) => this.make(cycle_mark_column, cycle_path_column),
    CTESearchClause: ({ search_seq_column }) => this.make(search_seq_column),
    FuncCall: (body) => this.make(...nameResults(body)),
    JoinExpr: ({ usingClause }, location) => {
      toStrings(usingClause as Node[]).forEach((name) => {
        this.#references.push({ qualifier: undefined, name, location });
      });
    },
    RangeFunction: (body) => this.addFunction(body as RangeFunction),
    RangeVar: ({ relname }) => this.make(relname),
    ResTarget: ({ name }) => this.make(name),
    SelectStmt: ({ valuesLists }) => this.make(...numberColumns(valuesLists as Node[] | undefined)),
    TypeName: ({ names }) => this.make(toStrings(names as Node[]).at(-1)),
  };

  private make(...names: unknown[]): void {
    names.forEach((name) => this.#made.add(String(name)));
  }

  private refer(fields: ColumnRef['fields'] = [], location: number): void {
    const names = toStrings(fields);
    if (fields.length > 2) {
      this.overqualified.push(location);
    } else if (names.length === fields.length) {
      this.#references.push({ qualifier: names.at(-2), name: names.at(-1)!, location });
    }
  }

  private addFunction({ alias, functions = [], coldeflist = [], ordinality }: RangeFunction): void {
    const calls = functions.flatMap((item) => ('List' in item ? [item.List.items ?? []] : []));
    const [[first] = []] = calls;
    const aliasName = alias?.aliasname ?? nameFunction(first);
    const columns = calls.flatMap(([call, definitions]) => {
      const defined = nameDefinitions([...toItems(definitions), ...coldeflist]);
      return defined.length > 0 ? defined : nameColumns(call, calls.length === 1 ? alias : undefined);
    });
    if (ordinality === true) {
      columns.push('ordinality');
      this.make('ordinality');
    }
    const renamed = toStrings(alias?.colnames);
    const named = columns.map((column, index) => renamed[index] ?? column);
    this.#functionColumns.set(aliasName, [...(this.#functionColumns.get(aliasName) ?? []), named]);
  }
}

const nameFunction = (node: Node | undefined): string =>
  (node !== undefined && 'FuncCall' in node ? toStrings(node.FuncCall.funcname).at(-1) : undefined) ?? '';

/** The columns of a function in FROM, before the alias renames them. */
function nameColumns(call: Node | undefined, alias: Alias | undefined): readonly string[] {
  const name = nameFunction(call);
  const args = call !== undefined && 'FuncCall' in call ? (call.FuncCall.args ?? []) : [];
  if (name === 'unnest' && args.length > 1) {
    return args.map(() => name);
  }
  return Object.hasOwn(FUNCTION_COLUMNS, name) ? FUNCTION_COLUMNS[name]! : [alias?.aliasname ?? name];
}

const nameResults = (body: NodeBody): readonly string[] => {
  const name = nameFunction({ FuncCall: body as FuncCall });
  return [name, ...(Object.hasOwn(FUNCTION_COLUMNS, name) ? FUNCTION_COLUMNS[name]! : [])];
};

const nameDefinitions = (nodes: readonly Node[]): string[] =>
  nodes.flatMap((node) => ('ColumnDef' in node ? [node.ColumnDef.colname ?? ''] : []));

const toItems = (node: Node | undefined): readonly Node[] =>
  node !== undefined && 'List' in node ? (node.List.items ?? []) : [];

/** The columns of VALUES. */
const numberColumns = ([first]: readonly Node[] = []): string[] =>
  toItems(first).map((_, index) => `column${index + 1}`);
