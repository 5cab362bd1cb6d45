import type { DropBehavior, Node } from 'libpg-query';
import { alterTableParts, CASCADE, findLossInPart, RESET_SEQUENCE, UNKNOWN } from './alter-table.js';
import type { Code } from './code.js';
import { unknownFunction } from './function-calls.js';
import { byKind, getKind, findNodes, findOption, type ByKind } from './tree.js';

const words = (text: string): ReadonlySet<string | undefined> => new Set(text.split(' '));

/** The objects that DROP may take away: they hold no data, and their definition makes them again. */
const DEFINITIONS = words(
  'ACCESS_METHOD AGGREGATE CAST COLLATION CONVERSION EVENT_TRIGGER FOREIGN_TABLE FUNCTION INDEX OPCLASS OPERATOR OPFAMILY POLICY ' +
    'PROCEDURE PUBLICATION ROUTINE RULE STATISTIC_EXT TRANSFORM TRIGGER TSCONFIGURATION TSDICTIONARY TSPARSER TSTEMPLATE VIEW',
);

/** The statements that keep all data in each of their forms. */
const KEEPING = words(
  // Create
  'CompositeTypeStmt CreateAmStmt CreateCastStmt CreateConversionStmt CreateDomainStmt CreateEnumStmt CreateEventTrigStmt ' +
    'CreateExtensionStmt CreateFdwStmt CreateForeignServerStmt CreateForeignTableStmt CreateFunctionStmt CreateOpClassStmt ' +
    'CreateOpFamilyStmt CreatePLangStmt CreatePolicyStmt CreatePublicationStmt CreateRangeStmt CreateRoleStmt CreateSeqStmt ' +
    'CreateStatsStmt CreateStmt CreateTableSpaceStmt CreateTransformStmt CreateTrigStmt CreateUserMappingStmt CreatedbStmt ' +
    'DefineStmt ImportForeignSchemaStmt IndexStmt RuleStmt ViewStmt ' +
    // Alter
    'AlterCollationStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt AlterDefaultPrivilegesStmt AlterEnumStmt ' +
    'AlterEventTrigStmt AlterExtensionContentsStmt AlterFunctionStmt AlterObjectDependsStmt AlterObjectSchemaStmt ' +
    'AlterOpFamilyStmt AlterOperatorStmt AlterOwnerStmt AlterPolicyStmt AlterPublicationStmt AlterRoleSetStmt AlterStatsStmt ' +
    'AlterTSConfigurationStmt AlterTSDictionaryStmt AlterTableMoveAllStmt AlterTableSpaceOptionsStmt AlterTypeStmt CommentStmt ' +
    'GrantRoleStmt GrantStmt ReassignOwnedStmt RenameStmt SecLabelStmt ' +
    // The rest
    'CheckPointStmt ClosePortalStmt ClusterStmt ConstraintsSetStmt DeallocateStmt DoStmt FetchStmt ListenStmt LockStmt NotifyStmt ' +
    'ReindexStmt TransactionStmt UnlistenStmt VacuumStmt VariableSetStmt VariableShowStmt',
);

const cascading = ({ behavior }: { behavior?: DropBehavior }): string | undefined =>
  behavior === 'DROP_CASCADE' ? CASCADE : undefined;
const findLossInOptionalQuery = ({ query }: { query?: Node }): string | undefined =>
  query === undefined ? UNKNOWN : findLoss(query);

/** Those that lose data, or do in some of their forms. */
const LOSSES: ByKind<string | undefined> = {
  SelectStmt: (body) => findLossInQuery({ SelectStmt: body }),
  InsertStmt: (body) => findLossInQuery({ InsertStmt: body }),
  UpdateStmt: (body) => findLossInQuery({ UpdateStmt: body }),
  DeleteStmt: (body) => findLossInQuery({ DeleteStmt: body }),
  MergeStmt: (body) => findLossInQuery({ MergeStmt: body }),
  CreateTableAsStmt: findLossInOptionalQuery,
  DeclareCursorStmt: findLossInOptionalQuery,
  ExplainStmt: findLossInOptionalQuery,
  TruncateStmt: () => 'it empties a table',
  // COPY … TO a file or a program of the server writes whatever is there.
  CopyStmt: ({ filename, is_program, is_from, query }) =>
    is_program === true || (filename !== undefined && is_from !== true) ? UNKNOWN : findLossInQuery(query),
  CallStmt: () => 'it calls a procedure, which may change anything',
  DropStmt: ({ removeType = '', behavior }) => {
    const type = removeType.replace(/^OBJECT_/, '');
    return DEFINITIONS.has(type) ? cascading({ behavior }) : `it drops ${withArticle(type)}`;
  },
  DropOwnedStmt: () => 'it drops everything that a role owns',
  DropdbStmt: () => 'it drops a database',
  AlterTableStmt: ({ cmds }) => firstReason(alterTableParts(cmds).map(findLossInPart)),
  AlterDomainStmt: cascading,
  AlterSeqStmt: ({ options }) => (findOption(options, 'restart') === undefined ? undefined : RESET_SEQUENCE),
  RefreshMatViewStmt: ({ skipData }) => (skipData === true ? 'it empties a materialized view' : undefined),
  CreateSchemaStmt: ({ schemaElts = [] }) => firstReason(schemaElts.map(findLoss)),
};

/** How a statement may lose data, undefined if it cannot. What is not known to keep data counts as losing it. */
export const readDataLoss = ({ executed, runsUnreadable }: Code): string | undefined =>
  firstReason(executed.map(findLoss)) ?? (runsUnreadable ? 'it runs code that cannot be read beforehand' : undefined);

function findLoss(node: Node): string | undefined {
  const kind = getKind(node);
  return kind in LOSSES ? byKind(LOSSES, node) : KEEPING.has(kind) ? undefined : UNKNOWN;
}

/** By the statements of its WITH, and by what it calls. */
export function findLossInQuery(query: unknown): string | undefined {
  if (findNodes('DeleteStmt', query).length > 0) {
    return 'it deletes rows';
  }
  if (findNodes('UpdateStmt', query).length > 0) {
    return 'it overwrites values';
  }
  if (findNodes('MergeStmt', query).some(({ mergeWhenClauses = [] }) => mergeWhenClauses.some(overwrites))) {
    return 'it deletes rows or overwrites values';
  }
  if (findNodes('InsertStmt', query).some(({ onConflictClause }) => onConflictClause?.action === 'ONCONFLICT_UPDATE')) {
    return 'it overwrites values of existing rows';
  }
  const name = unknownFunction(query);
  return name === undefined ? undefined : `it calls ${name}(), which may change anything`;
}

const overwrites = (clause: Node): boolean =>
  'MergeWhenClause' in clause && !['CMD_INSERT', 'CMD_NOTHING'].includes(clause.MergeWhenClause.commandType ?? '');

const withArticle = (type: string): string => {
  const name = type === 'MATVIEW' ? 'materialized view' : type.replaceAll('_', ' ').toLowerCase();
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
};

const firstReason = (reasons: readonly (string | undefined)[]): string | undefined =>
  reasons.find((reason) => reason !== undefined);
