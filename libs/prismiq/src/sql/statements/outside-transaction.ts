import type { Node } from 'libpg-query';
import { alterTableParts } from './alter-table.js';
import { byKind, findOption, type ByKind } from './tree.js';

const isOn = (options: readonly Node[] | undefined, name: string): boolean => {
  const value = findOption(options, name);
  return (
    value !== undefined &&
    !(typeof value === 'object' && 'String' in value && /^(off|false|0)$/i.test(value.String.sval ?? ''))
  );
};

/** What PostgreSQL refuses inside of a transaction block. */
const OUTSIDE: ByKind<boolean> = {
  IndexStmt: ({ concurrent }) => concurrent === true,
  DropStmt: ({ concurrent }) => concurrent === true,
  ReindexStmt: ({ kind, params }) =>
    isOn(params, 'concurrently') || (kind !== 'REINDEX_OBJECT_INDEX' && kind !== 'REINDEX_OBJECT_TABLE'),
  // DETACH PARTITION … CONCURRENTLY
  AlterTableStmt: ({ cmds }) =>
    alterTableParts(cmds).some(
      ({ def }) => def !== undefined && 'PartitionCmd' in def && def.PartitionCmd.concurrent === true,
    ),
  // ANALYZE alone may.
  VacuumStmt: ({ is_vacuumcmd }) => is_vacuumcmd === true,
  // All tables of the database.
  ClusterStmt: ({ relation }) => relation === undefined,
  CreatedbStmt: () => true,
  DropdbStmt: () => true,
  AlterDatabaseStmt: ({ options }) => findOption(options, 'tablespace') !== undefined,
  CreateTableSpaceStmt: () => true,
  DropTableSpaceStmt: () => true,
  AlterSystemStmt: () => true,
  CreateSubscriptionStmt: () => true,
  AlterSubscriptionStmt: () => true,
  DropSubscriptionStmt: () => true,
};

/** Whether PostgreSQL runs a statement only outside of a transaction block. */
export const runsOutsideTransaction = (node: Node): boolean => byKind(OUTSIDE, node) ?? false;
