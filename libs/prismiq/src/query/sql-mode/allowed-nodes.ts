/**
 * What a member of a node may be: a plain value, a node or several (`nodes`), or a node that the grammar does not wrap, given by its
 * kind.
 */
type MemberRule = 'value' | 'nodes' | (string & {});
type NodeRule = Readonly<Record<string, MemberRule>>;

/** @param values names of members that are plain values, apart by a space; `nodes` likewise */
const rule = (values: string, nodes = '', others: NodeRule = {}): NodeRule => ({
  ...Object.fromEntries(values.split(' ').map((member) => [member, 'value' as const])),
  ...Object.fromEntries(nodes.split(' ').map((member) => [member, 'nodes' as const])),
  ...others,
});

/** The nodes that a query may consist of, with all members that they may have. Every other node and member is refused. */
export const ALLOWED_NODES: Readonly<Record<string, NodeRule>> = {
  // Queries
  SelectStmt: rule(
    'groupDistinct limitOption op all',
    'distinctClause targetList fromClause whereClause groupClause havingClause windowClause valuesLists sortClause limitOffset limitCount',
    { withClause: 'WithClause', larg: 'SelectStmt', rarg: 'SelectStmt' },
  ),
  WithClause: rule('recursive location', 'ctes'),
  CommonTableExpr: rule('ctename ctematerialized location', 'aliascolnames ctequery', {
    search_clause: 'CTESearchClause',
    cycle_clause: 'CTECycleClause',
  }),
  CTESearchClause: rule('search_breadth_first search_seq_column location', 'search_col_list'),
  CTECycleClause: rule(
    'cycle_mark_column cycle_path_column location',
    'cycle_col_list cycle_mark_value cycle_mark_default',
  ),
  ResTarget: rule('name location', 'val'),
  SortBy: rule('sortby_dir sortby_nulls location', 'node useOp'),
  GroupingSet: rule('kind location', 'content'),
  WindowDef: rule('name refname frameOptions location', 'partitionClause orderClause startOffset endOffset'),
  // FROM
  RangeVar: rule('catalogname schemaname relname inh relpersistence location', '', { alias: 'Alias' }),
  RangeSubselect: rule('lateral', 'subquery', { alias: 'Alias' }),
  RangeFunction: rule('lateral ordinality is_rowsfrom', 'functions coldeflist', { alias: 'Alias' }),
  JoinExpr: rule('jointype isNatural rtindex', 'larg rarg usingClause quals', {
    alias: 'Alias',
    join_using_alias: 'Alias',
  }),
  Alias: rule('aliasname', 'colnames'),
  ColumnDef: rule('colname is_local location', '', { typeName: 'TypeName', collClause: 'CollateClause' }),
  // Expressions
  A_ArrayExpr: rule('list_start list_end location', 'elements'),
  A_Const: rule('ival fval boolval sval bsval isnull location'),
  A_Expr: rule('kind rexpr_list_start rexpr_list_end location', 'name lexpr rexpr'),
  A_Indices: rule('is_slice', 'lidx uidx'),
  A_Indirection: rule('location', 'arg indirection'),
  A_Star: {},
  BoolExpr: rule('boolop location', 'args'),
  BooleanTest: rule('booltesttype location', 'arg'),
  CaseExpr: rule('location', 'arg args defresult'),
  CaseWhen: rule('location', 'expr result'),
  CoalesceExpr: rule('location', 'args'),
  CollateClause: rule('location', 'arg collname'),
  ColumnRef: rule('location', 'fields'),
  FuncCall: rule(
    'agg_within_group agg_star agg_distinct func_variadic funcformat location',
    'funcname args agg_order agg_filter',
    { over: 'WindowDef' },
  ),
  GroupingFunc: rule('location', 'args'),
  MinMaxExpr: rule('op location', 'args'),
  NamedArgExpr: rule('name argnumber location', 'arg'),
  NullTest: rule('nulltesttype location', 'arg'),
  ParamRef: rule('number location'),
  RowExpr: rule('row_format location', 'args'),
  SQLValueFunction: rule('op typmod location'),
  SubLink: rule('subLinkType location', 'testexpr operName subselect'),
  TypeCast: rule('location', 'arg', { typeName: 'TypeName' }),
  TypeName: rule('typemod location', 'names typmods arrayBounds'),
  // Values in lists
  Integer: rule('ival'),
  List: rule('', 'items'),
  String: rule('sval'),
};

export const QUERIES_ONLY = 'Only queries are allowed: SELECT, VALUES and TABLE, also in WITH';

/** What the user is told of a node that is refused, where its name does not say enough. */
export const REFUSED_NODES: Readonly<Record<string, string>> = {
  DeleteStmt: QUERIES_ONLY,
  InsertStmt: QUERIES_ONLY,
  MergeStmt: QUERIES_ONLY,
  UpdateStmt: QUERIES_ONLY,
  RangeTableFunc: 'XMLTABLE is not allowed',
  RangeTableSample: 'TABLESAMPLE is not allowed',
  SetToDefault: 'DEFAULT is not allowed',
  XmlExpr: 'XML is not allowed',
  XmlSerialize: 'XML is not allowed',
  JsonTable: 'JSON_TABLE is not allowed; use jsonb_path_query',
  JsonFuncExpr: 'SQL/JSON functions are not allowed; use jsonb_path_query_first or the operators -> and ->>',
};

/** Likewise for a member of a node. */
export const REFUSED_MEMBERS: Readonly<Record<string, string>> = {
  intoClause: 'SELECT INTO is not allowed',
  lockingClause: 'FOR UPDATE and FOR SHARE are not allowed',
  pct_type: '%TYPE is not allowed',
  setof: 'SETOF is not allowed',
};
