import { alterTableParts, isRepeatablePart } from './alter-table.js';
import type { Code } from './code.js';
import { findLossInQuery } from './data-loss.js';
import { byKind, findOption, walk, type ByKind, type NodeBody } from './tree.js';

const always = (): boolean => true;
const ifNotExists = ({ if_not_exists }: { if_not_exists?: boolean }): boolean => if_not_exists === true;
const ifExists = ({ missing_ok }: { missing_ok?: boolean }): boolean => missing_ok === true;
const orReplace = ({ replace }: { replace?: boolean }): boolean => replace === true;

/** Whether a query only reads, however often it is sent. */
function isPureQuery(query: NodeBody<'SelectStmt'>): boolean {
  let writes = findLossInQuery(query) !== undefined;
  walk(query, (object) => {
    writes ||= 'intoClause' in object || 'InsertStmt' in object || 'MergeStmt' in object;
  });
  return !writes;
}

const REPEATABLE: ByKind<boolean> = {
  CreateStmt: ifNotExists,
  CreateTableAsStmt: ifNotExists,
  CreateForeignTableStmt: ({ base }) => base?.if_not_exists === true,
  CreateSeqStmt: ifNotExists,
  CreateStatsStmt: ifNotExists,
  CreateExtensionStmt: ifNotExists,
  CreateForeignServerStmt: ifNotExists,
  CreateUserMappingStmt: ifNotExists,
  CreateSchemaStmt: ({ if_not_exists, schemaElts = [] }) => if_not_exists === true && schemaElts.length === 0,
  IndexStmt: ifNotExists,
  CreateFunctionStmt: orReplace,
  CreateTrigStmt: orReplace,
  CreatePLangStmt: orReplace,
  DefineStmt: ({ replace, if_not_exists }) => replace === true || if_not_exists === true,
  RuleStmt: orReplace,
  ViewStmt: orReplace,
  AlterEnumStmt: ({ skipIfNewValExists }) => skipIfNewValExists === true,
  AlterTableStmt: ({ cmds }) => alterTableParts(cmds).every(isRepeatablePart),
  AlterSeqStmt: ({ options }) => findOption(options, 'restart') === undefined,
  // A query that only reads.
  SelectStmt: (body) => isPureQuery(body),
  DropStmt: ifExists,
  DropRoleStmt: ifExists,
  DropdbStmt: ifExists,
  DropTableSpaceStmt: ifExists,
  DropUserMappingStmt: ifExists,
  DropSubscriptionStmt: ifExists,
  // Statements that set a property.
  AlterDefaultPrivilegesStmt: always,
  AlterDatabaseSetStmt: always,
  AlterFunctionStmt: always,
  AlterOwnerStmt: always,
  AlterPolicyStmt: always,
  AlterRoleSetStmt: always,
  AlterStatsStmt: always,
  AlterSystemStmt: always,
  CommentStmt: always,
  ConstraintsSetStmt: always,
  GrantRoleStmt: always,
  GrantStmt: always,
  SecLabelStmt: always,
  VariableSetStmt: ({ is_local }) => is_local === true,
  VariableShowStmt: always,
  // Statements that compute the same again.
  CheckPointStmt: always,
  ClusterStmt: always,
  LockStmt: always,
  RefreshMatViewStmt: always,
  ReindexStmt: always,
  VacuumStmt: always,
};

/** Whether a statement that has run may run again, with the same result. */
export const readIsRepeatable = ({ executed, runsUnreadable }: Code): boolean =>
  !runsUnreadable && executed.every((node) => 'DoStmt' in node || byKind(REPEATABLE, node) === true);
