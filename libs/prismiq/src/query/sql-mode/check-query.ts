import type { FuncCall, Node, RangeFunction, RangeVar, TypeName } from 'libpg-query';
import { toStrings } from '../../sql/statements/tree.js';
import { ALLOWED_CLOCKS, ALLOWED_FUNCTIONS, ALLOWED_OPERATORS, ALLOWED_TYPES } from './allowed-names.js';
import { QUERIES_ONLY } from './allowed-nodes.js';
import { ColumnNames } from './column-names.js';
import { findExcess, findExcessInType } from './function-limits.js';
import { QueryWalk, type NodeBody, type QueryVisitor } from './walk-query.js';

/** A table where the text names it, or a query of WITH. */
export interface TableReference {
  /** The database, the schema and the table, as far as the text names them. */
  readonly names: readonly string[];
  /** Of the first name. */
  readonly location: number;
  /** Whether another name follows. */
  readonly hasAlias: boolean;
}

/** What a query consists of, as far as its text tells. */
export interface CheckedQuery {
  readonly tables: readonly TableReference[];
  /** Where it names the queries of WITH: where they are defined, and where they are read. */
  readonly ctes: readonly TableReference[];
  readonly columns: ColumnNames;
  /** Whether it calls functions that a host has added. */
  readonly callsAddedFunctions: boolean;
}

export interface QueryRules {
  /** The functions that a host has added. */
  readonly functions: ReadonlySet<string>;
  /** The values of `$1`, `$2` …, if they are known. */
  readonly parameters: readonly unknown[] | undefined;
  refuse(problem: string, location: number): void;
}

/** Checks everything about a query that does not depend on the tenant. */
export function checkQuery(query: Node, rules: QueryRules): CheckedQuery {
  const check = new QueryCheck(rules);
  if (!('SelectStmt' in query)) {
    rules.refuse(QUERIES_ONLY, 0);
  } else {
    new QueryWalk(check).walk(query);
  }
  return check;
}

/** Tables, queries and functions in all FROM clauses: planning a join of many takes long. */
const MAX_FROM_ITEMS = 100;

type Checks = Readonly<Record<string, (body: NodeBody, location: number, ctes: ReadonlySet<string>) => void>>;

class QueryCheck implements QueryVisitor, CheckedQuery {
  readonly tables: TableReference[] = [];
  readonly ctes: TableReference[] = [];
  readonly columns = new ColumnNames();
  callsAddedFunctions = false;
  #fromItems = 0;

  constructor(private readonly rules: QueryRules) {}

  refuse(problem: string, location: number): void {
    this.rules.refuse(problem, location);
  }

  visit(kind: string, body: NodeBody, location: number, ctes: ReadonlySet<string>): void {
    this.columns.add(kind, body, location);
    if (kind === 'RangeVar' || kind === 'RangeSubselect' || kind === 'RangeFunction') {
      this.#fromItems += 1;
      if (this.#fromItems === MAX_FROM_ITEMS + 1) {
        this.refuse(`At most ${MAX_FROM_ITEMS} tables, queries and functions are allowed in FROM clauses`, location);
      }
    }
    this.#checks[kind]?.(body, location, ctes);
  }

  readonly #checks: Checks = {
    A_Expr: ({ kind, name }, location) => {
      if (!String(kind).includes('BETWEEN')) {
        this.checkOperator(name, location);
      }
    },
    A_Indirection: ({ indirection }, location) => {
      // (x).name also calls functions and casts.
      if ((indirection as Node[]).some((part) => !('A_Indices' in part))) {
        this.refuse('Fields of an expression, as in (x).name, are not allowed', location);
      }
    },
    CollateClause: ({ collname }, location) => {
      if (toBuiltinName(collname) === undefined) {
        this.refuse('Collations are named without a schema', location);
      }
    },
    CommonTableExpr: ({ ctename }, location) => {
      this.ctes.push({ names: [String(ctename)], location, hasAlias: true });
    },
    FuncCall: (body, location) => this.checkFunction(body as FuncCall, location),
    RangeFunction: (body, location) => this.checkFunctionInFrom(body as RangeFunction, location),
    RangeVar: (body, location, ctes) => this.addTable(body as RangeVar, location, ctes),
    SQLValueFunction: ({ op }, location) => {
      if (!ALLOWED_CLOCKS.has(String(op))) {
        const name = String(op).replace('SVFOP_', '').toLowerCase();
        this.refuse(`${name} is not allowed`, location);
      }
    },
    SortBy: ({ useOp }, location) => this.checkOperator(useOp, location),
    SubLink: ({ operName }, location) => this.checkOperator(operName, location),
    TypeCast: ({ arg, location: written }, location) => {
      // The parser knows more places for parameters than the server does.
      if (written === -1 && 'ParamRef' in (arg as Node)) {
        this.refuse('Write the type behind a parameter, as in :day::date', location);
      }
    },
    TypeName: (body, location) => this.checkType(body as TypeName, location),
  };

  private checkOperator(name: unknown, location: number): void {
    if (name !== undefined && !ALLOWED_OPERATORS.has(toBuiltinName(name) ?? '')) {
      this.refuse(`The operator ${toStrings(name as Node[]).join('.')} is not allowed`, location);
    }
  }

  private checkType({ names, typmods = [] }: TypeName, location: number): void {
    const name = toBuiltinName(names);
    if (name === undefined || !ALLOWED_TYPES.has(name)) {
      this.refuse(`The type ${toStrings(names).join('.')} is not allowed`, location);
      return;
    }
    const excess = findExcessInType(name, typmods);
    if (excess !== undefined) {
      this.refuse(excess, location);
    }
  }

  private checkFunction({ funcname, args = [] }: FuncCall, location: number): void {
    const name = toBuiltinName(funcname);
    if (name !== undefined && ALLOWED_FUNCTIONS.has(name)) {
      const excess = findExcess(name, args, this.rules.parameters);
      if (excess !== undefined) {
        this.refuse(excess, location);
      }
    } else if (this.rules.functions.has(toStrings(funcname).join('.'))) {
      this.callsAddedFunctions = true;
    } else {
      this.refuse(`The function ${toStrings(funcname).join('.')}() is not allowed`, location);
    }
  }

  private checkFunctionInFrom({ functions = [] }: RangeFunction, location: number): void {
    for (const item of functions) {
      const [call] = 'List' in item ? (item.List.items ?? []) : [];
      if (call === undefined || !('FuncCall' in call)) {
        this.refuse('In FROM, only tables, queries and function calls are allowed', location);
      }
    }
  }

  private addTable(
    { catalogname, schemaname: schema, relname = '', inh, alias }: RangeVar,
    location: number,
    ctes: ReadonlySet<string>,
  ): void {
    if (inh !== true) {
      this.refuse('ONLY is not allowed', location);
    }
    const names = [catalogname, schema, relname].filter((name) => name !== undefined);
    const isCte = names.length === 1 && ctes.has(relname);
    (isCte ? this.ctes : this.tables).push({ names, location, hasAlias: alias !== undefined });
  }
}

/** @returns nothing where a name names another schema than PostgreSQL's own */
function toBuiltinName(name: unknown): string | undefined {
  const parts = toStrings(name as Node[]);
  return parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog') ? parts.at(-1) : undefined;
}
