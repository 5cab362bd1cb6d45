import type { SchemaDifference } from '../errors/schema.errors.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { planColumnRepair } from './plan-column-repair.js';
import { SCHEMA_VERSIONS, type TableNaming } from './schema-versions.js';

/** A difference that cannot be repaired automatically. */
export interface UnrepairableDifference {
  readonly difference: SchemaDifference;
  /** Why not, and what to do instead. */
  readonly reason: string;
}

/** The repair of tables that differ from a version. */
export interface RepairPlan {
  /** None of them changes a row. They may fail on rows that break a constraint. */
  readonly statements: readonly string[];
  readonly unrepairable: readonly UnrepairableDifference[];
}

/** How to repair a difference: statements, by the phase in which they run, or a reason why there are none. */
export type Repair = Partial<Record<Phase, readonly string[]>> | string;

/** Names are freed before others take them, and a foreign key needs the key to which it refers. */
const PHASES = ['drop', 'alter', 'rename', 'add', 'key', 'reference', 'index'] as const;
type Phase = (typeof PHASES)[number];

/**
 * Plans how to remove differences without changing a row: missing defaults, columns, constraints and indexes are added,
 * constraints and indexes with another name renamed, those with another definition replaced, character columns widened, and missing
 * tables created.
 *
 * @param version the one with which the tables were compared
 */
export function planRepair(
  differences: readonly SchemaDifference[],
  table: TableNaming,
  version = SCHEMA_VERSIONS.at(-1)!.name,
): RepairPlan {
  const phases: Record<Phase, string[]> = {
    drop: [],
    alter: [],
    rename: [],
    add: [],
    key: [],
    reference: [],
    index: [],
  };
  const unrepairable: UnrepairableDifference[] = [];
  const renamed = new Set<SchemaDifference>();
  const repairs = differences.map((difference) => {
    const source = findUnderAnotherName(difference, differences);
    if (source !== undefined) {
      renamed.add(source);
    }
    return { difference, repair: planOne(difference, source, table, version) };
  });
  for (const { difference, repair } of repairs) {
    if (renamed.has(difference)) {
      continue;
    }
    if (typeof repair === 'string') {
      unrepairable.push({ difference, reason: repair });
    } else {
      PHASES.forEach((phase) => phases[phase].push(...(repair[phase] ?? [])));
    }
  }
  return { statements: PHASES.flatMap((phase) => phases[phase]), unrepairable };
}

/** A constraint, or its unique index, that differs from a missing constraint only in its name. */
function findUnderAnotherName(
  { table, kind, expected, actual }: SchemaDifference,
  differences: readonly SchemaDifference[],
): SchemaDifference | undefined {
  if (kind !== 'constraint' || expected === undefined || actual !== undefined) {
    return undefined;
  }
  const extra = differences.filter((other) => other.table === table && other.expected === undefined);
  return (
    extra.find((other) => other.kind === 'constraint' && other.actual === expected) ??
    extra.find(
      (other) => other.kind === 'index' && other.actual === expected.replace(/^UNIQUE /, 'UNIQUE USING btree '),
    )
  );
}

function planOne(
  difference: SchemaDifference,
  source: SchemaDifference | undefined,
  table: TableNaming,
  version: string,
): Repair {
  switch (difference.kind) {
    case 'table':
      return difference.actual === undefined
        ? { add: tableStatements(difference.name, table, version) }
        : `it is a ${difference.actual}. Move it out of the way, and create the table.`;
    case 'column':
      return planColumnRepair(difference, table);
    case 'constraint':
      return planConstraintRepair(difference, source, table);
    case 'index':
      return planIndexRepair(difference, table);
  }
}

/** The statements of the versions that concern a table. Each can be repeated without effect. */
function tableStatements(name: string, table: TableNaming, version: string): string[] {
  const versions = SCHEMA_VERSIONS.slice(0, SCHEMA_VERSIONS.findIndex((one) => one.name === version) + 1);
  return versions.flatMap(({ up }) => up(table)).filter((sql) => sql.includes(table(name)));
}

function planConstraintRepair(
  { table: tableName, name, expected, actual }: SchemaDifference,
  source: SchemaDifference | undefined,
  table: TableNaming,
): Repair {
  const alter = `ALTER TABLE ${table(tableName)}`;
  const drop = `${alter} DROP CONSTRAINT ${quoteIdentifier(name)}`;
  if (expected === undefined) {
    return `it may refuse what Prismiq writes. If nobody needs it: ${drop}`;
  }
  if (source !== undefined) {
    const [from, to] = [source.name, name].map(quoteIdentifier);
    return source.kind === 'constraint'
      ? { rename: [`${alter} RENAME CONSTRAINT ${from} TO ${to}`] }
      : { rename: [`${alter} ADD CONSTRAINT ${to} UNIQUE USING INDEX ${from}`] };
  }
  if (actual !== undefined && expected.startsWith('PRIMARY KEY')) {
    return `other tables may refer to the key that is there. If none does: ${drop}; ${alter} ADD CONSTRAINT ${quoteIdentifier(name)} ${expected}`;
  }
  const definition = expected.replace(/(?<=REFERENCES )\w+/, table);
  const add = `${alter} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`;
  return {
    drop: actual === undefined ? [] : [drop],
    [expected.startsWith('FOREIGN KEY') ? 'reference' : 'key']: [add],
  };
}

function planIndexRepair(
  { table: tableName, name, expected, actual, foundAs }: SchemaDifference,
  table: TableNaming,
): Repair {
  // The schema of an index is that of its table.
  const drop = `DROP INDEX ${table(name)}`;
  if (expected === undefined) {
    return `it may refuse what Prismiq writes. If nobody needs it: ${drop}`;
  }
  if (foundAs !== undefined) {
    return { rename: [`ALTER INDEX ${table(foundAs)} RENAME TO ${quoteIdentifier(name)}`] };
  }
  return {
    drop: actual === undefined ? [] : [drop],
    index: [`CREATE INDEX ${quoteIdentifier(name)} ON ${table(tableName)} ${expected}`],
  };
}
