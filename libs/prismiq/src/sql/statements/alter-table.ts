import type { AlterTableCmd, AlterTableType, Node } from 'libpg-query';
import { findOption } from './tree.js';

const parts = (names: string): ReadonlySet<AlterTableType | undefined> =>
  new Set(names.split(' ').map((name) => `AT_${name}` as AlterTableType));

/** Set a property: they keep all rows and values, and can be repeated. */
const RESTATING = parts(
  'ColumnDefault DropNotNull SetNotNull SetExpression SetStatistics SetOptions ResetOptions SetStorage SetCompression AlterConstraint ' +
    'ValidateConstraint ChangeOwner ClusterOn DropCluster SetLogged SetAccessMethod SetTableSpace SetRelOptions ResetRelOptions ' +
    'EnableTrig EnableAlwaysTrig EnableReplicaTrig DisableTrig EnableTrigAll DisableTrigAll EnableTrigUser DisableTrigUser ' +
    'EnableRule EnableAlwaysRule EnableReplicaRule DisableRule ReplicaIdentity ' +
    'EnableRowSecurity DisableRowSecurity ForceRowSecurity NoForceRowSecurity',
);
/** Keep all rows and values as well, but fail the second time, or do more. */
const KEEPING = parts(
  'AddColumn AddIndex AddConstraint AddIndexConstraint DropConstraint DropExpression AlterColumnGenericOptions GenericOptions ' +
    'AddInherit DropInherit AddOf DropOf AttachPartition DetachPartition DetachPartitionFinalize AddIdentity SetIdentity DropIdentity',
);
/** Have a form with IF EXISTS or IF NOT EXISTS. */
const CONDITIONAL = parts('AddColumn DropColumn DropConstraint DropExpression DropIdentity');

const LOSSES: { readonly [Part in AlterTableType]?: string } = {
  AT_DropColumn: 'it drops a column',
  AT_AlterColumnType: 'it changes the type of a column, and a value that is converted may lose a part',
  AT_SetUnLogged: 'it makes a table unlogged, and a crash of the server empties such a table',
};

export const RESET_SEQUENCE = 'it resets a sequence, whose position is lost';
export const CASCADE = 'CASCADE also drops what depends on it, which may be tables and columns';
export const UNKNOWN = 'it is not known to keep all data';

/** The parts of ALTER TABLE, and of what has its syntax: ALTER TYPE, ALTER VIEW, ALTER INDEX. */
export const alterTableParts = (cmds: readonly Node[] | undefined): AlterTableCmd[] =>
  (cmds ?? []).flatMap((node) => ('AlterTableCmd' in node ? [node.AlterTableCmd] : []));

/** @returns how a part may lose data, undefined if it cannot */
export function findLossInPart({ subtype, behavior, def }: AlterTableCmd): string | undefined {
  if (!RESTATING.has(subtype) && !KEEPING.has(subtype)) {
    return LOSSES[subtype!] ?? UNKNOWN;
  }
  if (subtype === 'AT_SetIdentity' && def !== undefined && 'List' in def && findOption(def.List.items, 'restart')) {
    return RESET_SEQUENCE;
  }
  return behavior === 'DROP_CASCADE' && subtype !== 'AT_AddColumn' ? CASCADE : undefined;
}

export function isRepeatablePart({ subtype, missing_ok, def }: AlterTableCmd): boolean {
  if (subtype === 'AT_AlterColumnType') {
    // USING would compute from what it has computed before.
    return def !== undefined && 'ColumnDef' in def && def.ColumnDef.raw_default === undefined;
  }
  return RESTATING.has(subtype) || subtype === 'AT_SetUnLogged' || (CONDITIONAL.has(subtype) && missing_ok === true);
}
