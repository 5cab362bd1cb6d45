import type { SchemaDifference } from '../errors/schema.errors.js';
import { quoteIdentifier } from '../sql/identifier.js';
import type { Repair } from './plan-repair.js';
import type { TableNaming } from './schema-versions.js';

/** A column's definition, as `read-catalog.ts` writes it, in its parts. */
interface ColumnDefinition {
  readonly type: string;
  readonly isRequired: boolean;
  readonly default: string | undefined;
  /** An identity or a generated column. */
  readonly isComputed: boolean;
}

const COLUMN = /^(?<type>.+?)(?<required> not null)?(?: (?<computed>identity|generated)| default (?<default>.+))?$/s;

function parseColumn(definition: string): ColumnDefinition {
  const { type, required, computed, default: value } = COLUMN.exec(definition)!.groups!;
  return { type: type!, isRequired: required !== undefined, default: value, isComputed: computed !== undefined };
}

export function planColumnRepair(
  { table: tableName, name, expected, actual }: SchemaDifference,
  table: TableNaming,
): Repair {
  const alter = `ALTER TABLE ${table(tableName)}`;
  const column = `${alter} ALTER COLUMN ${quoteIdentifier(name)}`;
  if (expected === undefined) {
    return `Prismiq does not know it, and gives it no value. Give it a default, or: ${column} DROP NOT NULL`;
  }
  const needed = parseColumn(expected);
  if (actual === undefined) {
    // A default that differs from row to row, as that of an id does, is written to each.
    return (needed.isRequired && needed.default === undefined) || needed.default === 'gen_random_uuid()'
      ? `it needs a value in each row. Add it with a value of your choice: ${alter} ADD COLUMN ${quoteIdentifier(name)} ${expected}`
      : { add: [`${alter} ADD COLUMN ${quoteIdentifier(name)} ${expected}`] };
  }
  const found = parseColumn(actual);
  if (found.isComputed) {
    return 'PostgreSQL computes its values, and Prismiq writes them. Move the table out of the way, and copy its rows to a new one.';
  }
  if (found.type !== needed.type && !widens(found.type, needed.type)) {
    return typeReason(found.type, needed.type, name, column);
  }
  return {
    alter: [
      ...(found.type === needed.type ? [] : [`${column} TYPE ${needed.type}`]),
      ...(found.default === needed.default
        ? []
        : [needed.default === undefined ? `${column} DROP DEFAULT` : `${column} SET DEFAULT ${needed.default}`]),
      ...(found.isRequired === needed.isRequired ? [] : [`${column} ${needed.isRequired ? 'SET' : 'DROP'} NOT NULL`]),
    ],
  };
}

/** The length of a character type; `Infinity` if it has no limit. */
function characters(type: string): number | undefined {
  const [, limit] = /^character varying(?:\((\d+)\))?$/.exec(type) ?? [];
  return limit !== undefined ? Number(limit) : type === 'text' || type === 'character varying' ? Infinity : undefined;
}

/** Whether each value of one character type is one of the other, as it is stored. */
function widens(from: string, to: string): boolean {
  const [shorter, longer] = [characters(from), characters(to)];
  return shorter !== undefined && longer !== undefined && shorter <= longer;
}

function typeReason(from: string, to: string, name: string, column: string): string {
  const quoted = quoteIdentifier(name);
  if (to === 'uuid' && /^(small|big)?int(eger)?$/.test(from)) {
    return (
      'its ids are numbers, as in tables of another version of Prismiq. Move the tables out of the way (ALTER TABLE … RENAME TO …), ' +
      'create new ones, and copy the rows, each with a new id.'
    );
  }
  if (characters(from) !== undefined && characters(to) !== undefined) {
    return `its values may be longer. Shorten those that are, and run: ${column} TYPE ${to}`;
  }
  const using = to === 'timestamp with time zone' ? `${quoted} AT TIME ZONE 'UTC'` : `${quoted}::${to}`;
  const note = to === 'timestamp with time zone' ? ', if its times are those of UTC' : '';
  return `its rows must be rewritten. Make a backup, and run${note}: ${column} TYPE ${to} USING ${using}`;
}
