import { RUN_OPTIONS, SELECTION_OPTIONS } from './options.js';
import { ExitCode } from '../exit-codes.js';
import { showPlan } from '../output/plan.js';
import type { CommandDefinition } from './command.js';
import { runAndReport, RUN_EXIT_CODES } from './run.js';

export const migrateCommand: CommandDefinition = {
  name: 'migrate',
  summary: 'bring tenants to the newest version, or to a certain one',
  usage: '(--all | --tenant | --ring | --tag) [options]',
  manual: [
    "Runs the migrations that each tenant lacks: Prismiq's, and your own if the configuration lists them. One transaction per " +
      'tenant: a tenant that fails, or a process that is killed, leaves that tenant as it was. Tables are compared with what ' +
      'their version has before a tenant counts as migrated. Tables without a history are verified, and recorded at the version ' +
      'they match.',
    'It can be run again at any time and continues with what is left. Several processes at once share the work.',
    'Rings run in the order of the `rings` option, tenants without a ring last. After a ring in which a tenant has failed, no other ' +
      'ring starts. Lock time-outs, deadlocks and lost connections are retried.',
    'After Ctrl-C (or SIGTERM) it starts no more tenants, finishes those in progress, and reports. A second one ends it at once.',
  ],
  options: [...SELECTION_OPTIONS, 'to', 'source', 'createSchema', 'repair', 'dryRun', ...RUN_OPTIONS],
  examples: [
    ['prismiq migrate --all', 'Bring all tenants to the newest version; stop at the first that fails.'],
    [
      'prismiq migrate --all --concurrency 16 --on-error continue --max-failures 20',
      'In a large fleet, continue past a few failures.',
    ],
    ['prismiq migrate --ring canary', 'Begin with the tenants of one ring.'],
    ['prismiq migrate --tenant acme --dry-run', 'Show what would run.'],
    ['prismiq migrate --all --repair', 'Adopt tables created by SQLAlchemy, which lack defaults.'],
    [
      'prismiq migrate --tenant initech --create-schema',
      'Create the schema and tables of a new tenant of the directory.',
    ],
  ],
  exitCodes: RUN_EXIT_CODES,
  async run(context) {
    const { values, output, session } = context;
    const selection = session.explicitSelection();
    const target = { ...selection, to: values.to, source: values.source, repair: values.repair };
    const settings = await session.runSettings();
    const migrator = await session.migrator();
    if (values.dryRun === true) {
      const plan = await migrator.plan(target);
      showPlan(plan, output);
      return ExitCode.Ok;
    }
    const createSchema = values.createSchema === true;
    return runAndReport(context, 'Migrating', settings, (options) =>
      migrator.up({ ...options, ...target, createSchema }),
    );
  },
};
