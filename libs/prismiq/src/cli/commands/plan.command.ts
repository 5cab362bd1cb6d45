import { SELECTION_OPTIONS } from './options.js';
import { ExitCode } from '../exit-codes.js';
import { showPlan } from '../output/plan.js';
import type { CommandDefinition } from './command.js';

export const planCommand: CommandDefinition = {
  name: 'plan',
  summary: 'show the SQL that `prismiq migrate` would run',
  manual: [
    'Prints the statements that `prismiq migrate` would run, once for each group of tenants at the same version. Statements that may ' +
      'lose data are marked DESTRUCTIVE, migrations that cannot be part of the transaction OUTSIDE OF THE TRANSACTION.',
    'Nothing is written. Tenants that a run would refuse are listed with the reason.',
  ],
  options: [...SELECTION_OPTIONS, 'to', 'source', 'repair', 'check'],
  examples: [
    ['prismiq plan', 'Review what the next deployment will do.'],
    ['prismiq plan --check', 'Let a CI step fail when a tenant is behind.'],
    ['prismiq plan --tenant acme --to prismiq_0001_tables', 'Plan for one tenant, up to a certain version.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage, ExitCode.Behind, ExitCode.Drift],
  async run({ values, output, session }) {
    const selection = session.selection();
    const migrator = await session.migrator();
    const plan = await migrator.plan({ ...selection, to: values.to, source: values.source, repair: values.repair });
    showPlan(plan, output);
    if (values.check !== true) {
      return ExitCode.Ok;
    }
    if (plan.blocked.length > 0) {
      return ExitCode.Drift;
    }
    return plan.affected > 0 ? ExitCode.Behind : ExitCode.Ok;
  },
};
