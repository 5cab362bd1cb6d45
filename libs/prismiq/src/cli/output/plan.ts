import type { MigrationPlan, PlanGroup, PlannedMigration } from '../../migrator/fleet-report.js';
import { findings } from './findings.js';
import type { Output } from './output.js';
import { counted, printableLines } from './text.js';
import { namesText, versionText } from './versions.js';

/** A plan as SQL with comments, for each group of tenants at the same version. */
export function showPlan(plan: MigrationPlan, output: Output): void {
  output.event({ type: 'plan', ...plan });
  for (const group of plan.groups.filter(hasWork)) {
    output.result(...heading(group, output), ...repairs(group), ...group.migrations.flatMap(migration), '');
  }
  output.result(...findings('Blocked, since they are not what their version has', plan.blocked, output));
  output.result(
    plan.affected === 0
      ? `Nothing to do for ${counted(plan.total, 'tenant')}.`
      : `-- Something to do for ${plan.affected} of ${counted(plan.total, 'tenant')}. Nothing was changed.`,
  );
}

const hasWork = ({ migrations, unrecorded, repairs, schemaMissing }: PlanGroup): boolean =>
  migrations.length + unrecorded.length + repairs.length > 0 || schemaMissing;

function heading({ tenants, from, to, schemaMissing, unrecorded }: PlanGroup, output: Output): string[] {
  return [
    `-- ${counted(tenants.length, 'tenant')} from ${versionText(from)} to ${versionText(to)}: ${namesText(tenants, output)}`,
    ...(schemaMissing ? ['-- Their schemas do not exist: --create-schema makes them.'] : []),
    ...(unrecorded.length > 0 ? [`-- There already, and only recorded: ${unrecorded.join(', ')}`] : []),
    '',
  ];
}

const repairs = ({ repairs: statements }: PlanGroup): string[] =>
  statements.length === 0
    ? []
    : ['-- Repair of the tables', ...statements.map((sql) => `${printableLines(sql).join('\n')};`), ''];

function migration({ source, name, transactional, statements, dynamic }: PlannedMigration): string[] {
  return [
    `-- ${source}: ${name}`,
    ...(transactional ? [] : ['-- OUTSIDE OF THE TRANSACTION of its tenant']),
    ...(dynamic ? ['-- DYNAMIC: it sends statements of its own, too, which are not shown'] : []),
    ...statements.flatMap(({ sql, dataLoss, unchecked }) => [
      ...(dataLoss === undefined ? [] : [`-- DESTRUCTIVE: ${dataLoss}`]),
      ...(unchecked === true ? ['-- NOT CHECKED: the grammar of PostgreSQL 18 does not know this text'] : []),
      `${printableLines(sql).join('\n')};`,
    ]),
    '',
  ];
}

/** The statements of a plan that may lose data, each once. */
export const destructiveStatements = (plan: MigrationPlan): string[] => [
  ...new Set(
    plan.groups
      .flatMap(({ migrations }) => migrations)
      .flatMap(({ statements }) => statements)
      .filter(({ destructive }) => destructive)
      .map(({ sql }) => sql),
  ),
];
