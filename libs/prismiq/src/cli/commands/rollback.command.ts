import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { DownTarget } from '../../migrations/migration-target.js';
import type { MigrationPlan } from '../../migrator/fleet-report.js';
import { RUN_OPTIONS, SELECTION_OPTIONS, type OptionValues } from './options.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import { destructiveStatements, showPlan } from '../output/plan.js';
import { counted, printable } from '../output/text.js';
import type { CommandDefinition } from './command.js';
import { runAndReport, RUN_EXIT_CODES } from './run.js';

export const rollbackCommand: CommandDefinition = {
  name: 'rollback',
  summary: 'take migrations back',
  usage: '(--steps | --to) (--all | --tenant | --ring | --tag)',
  manual: [
    'Takes the last migrations of each tenant back: a number of them with --steps, or all that came after a version with --to ' +
      '(`--to 0` takes all back). One transaction per tenant, as with `prismiq migrate`.',
    'Statements that lose data, such as DROP TABLE, are refused without --allow-data-loss. On a terminal it asks first; elsewhere it ' +
      'needs --yes.',
  ],
  options: [...SELECTION_OPTIONS, 'steps', 'to', 'source', 'allowDataLoss', 'dryRun', 'yes', ...RUN_OPTIONS],
  examples: [
    ['prismiq rollback --tenant acme --steps 1 --dry-run', 'Show what taking back one migration would run.'],
    ['prismiq rollback --all --to prismiq_0001_tables --allow-data-loss', 'Take all tenants back to a version.'],
  ],
  exitCodes: RUN_EXIT_CODES,
  async run(context) {
    const { values, output, session } = context;
    const target = { ...session.explicitSelection(), ...toDownTarget(values) };
    const settings = await session.runSettings();
    const migrator = await session.migrator();
    const plan = await migrator.plan({ direction: 'down', ...target });
    if (values.dryRun === true) {
      showPlan(plan, output);
      return ExitCode.Ok;
    }
    const allowDataLoss = values.allowDataLoss === true;
    if (!allowDataLoss) {
      refuseDataLoss(plan);
    }
    if (plan.affected > 0 && values.yes !== true) {
      const answer = await ask(plan);
      if (answer !== 'yes') {
        output.note('Nothing was changed.');
        return answer === 'no' ? ExitCode.Ok : ExitCode.Interrupted;
      }
    }
    return runAndReport(context, 'Rolling back', settings, (options) =>
      migrator.down({ ...options, ...target, allowDataLoss }),
    );
  },
};

function toDownTarget({ steps, to, source }: OptionValues): DownTarget {
  if ((steps === undefined) === (to === undefined)) {
    throw new UsageError('How far back? Give either --steps N or --to VERSION (`--to 0`: take all back).');
  }
  return { steps, to: to === '0' ? 0 : to, source };
}

function refuseDataLoss(plan: MigrationPlan): void {
  const statements = destructiveStatements(plan);
  if (statements.length > 0) {
    throw new UsageError(
      `This loses data, in ${counted(plan.affected, 'tenant')}:\n` +
        statements.map((sql) => `  ${printable(sql)}\n`).join('') +
        'Make a backup, then add --allow-data-loss. With --dry-run all statements are shown.',
    );
  }
}

async function ask(plan: MigrationPlan): Promise<'yes' | 'no' | 'interrupted'> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError('There is no terminal to ask on. Look at it with --dry-run, then add --yes.');
  }
  const names = new Set(
    plan.groups.flatMap(({ migrations }) => migrations.map(({ source, name }) => `${source}:${name}`)),
  );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = `Take back ${[...names].join(', ')} in ${counted(plan.affected, 'tenant')}? [y/N] `;
  // Ctrl-C and Ctrl-D close the terminal, and some versions of Node leave the question open then.
  const closed = once(terminal, 'close').then(() => undefined);
  const answer = await Promise.race([terminal.question(question).catch(() => undefined), closed]);
  terminal.close();
  if (answer === undefined) {
    return 'interrupted';
  }
  return /^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no';
}
