import type { Parameters } from '../sql/parameters.js';

/** Columns with the SQL of their new values. */
export type Assignment = readonly [column: string, value: string];

/** Makes the assignments of a patch: absent members stay as they are. `documents` are stored as JSON. */
export function toAssignments(
  patch: Record<string, unknown>,
  columns: Record<string, string>,
  documents: readonly string[],
  parameters: Parameters,
): Assignment[] {
  return Object.entries(columns)
    .filter(([member]) => patch[member] !== undefined)
    .map(([member, column]) => [
      column,
      documents.includes(member) ? parameters.json(patch[member]) : parameters.add(patch[member]),
    ]);
}

/** Conditions, any of which says that an assignment changes the row. */
export const differences = (alias: string, assignments: readonly Assignment[]): string[] =>
  assignments.map(([column, value]) => `${alias}.${column} IS DISTINCT FROM ${value}`);
