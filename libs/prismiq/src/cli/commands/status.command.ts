import { SELECTION_OPTIONS } from './options.js';
import { ExitCode } from '../exit-codes.js';
import type { FleetStatus } from '../../migrator/fleet-report.js';
import { findings } from '../output/findings.js';
import type { Output } from '../output/output.js';
import { table } from '../output/table.js';
import { count, counted } from '../output/text.js';
import { namesText, versionText } from '../output/versions.js';
import type { CommandDefinition } from './command.js';

export const statusCommand: CommandDefinition = {
  name: 'status',
  summary: 'show which tenants are at which version, and what is wrong',
  manual: [
    'Reads the catalog and the histories of all tenants, or of those selected, and groups them by version. It names the ' +
      'tenants that have no schema, lack some of their tables (half provisioned), or have tables that differ from their ' +
      'version (drifted), and the schemas with tables of Prismiq that belong to no tenant (orphans).',
    'Nothing is written, not even a missing history table. Orphans are reported and never touched.',
  ],
  options: [...SELECTION_OPTIONS, 'check'],
  examples: [
    ['prismiq status', 'Look at the whole fleet.'],
    ['prismiq status --check', 'Let a CI step fail when a tenant is behind, or has drifted.'],
    ["prismiq status --tenant 'eu_*' --json", 'Print it for a program.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage, ExitCode.Behind, ExitCode.Drift],
  async run({ values, output, session }) {
    const selection = session.selection();
    const migrator = await session.migrator();
    const status = await migrator.status(selection);
    output.event({ type: 'status', ...status });
    show(status, output);
    return values.check === true ? toExitCode(status) : ExitCode.Ok;
  },
};

function toExitCode({ drifted, halfProvisioned, unreadable, upToDate }: FleetStatus): ExitCode {
  if (drifted.length + halfProvisioned.length + unreadable.length > 0) {
    return ExitCode.Drift;
  }
  return upToDate ? ExitCode.Ok : ExitCode.Behind;
}

function show(status: FleetStatus, output: Output): void {
  const { groups, missing, halfProvisioned, drifted, unreadable, orphans } = status;
  output.result(`${counted(status.total, 'tenant')}. The newest version is ${versionText(status.newest)}.`);
  if (groups.length > 0) {
    const rows = table(
      groups,
      [
        { title: 'TENANTS', cell: ({ tenants }) => count(tenants.length), align: 'right' },
        { title: 'VERSION', cell: ({ version }) => versionText(version) },
        { title: 'STATE', cell: describeState },
        { title: 'WHO', cell: ({ tenants }) => namesText(tenants, output) },
      ],
      output.title,
    );
    output.result(`\n${rows}`);
  }
  if (missing.length > 0) {
    const names = namesText(
      missing.map(({ tenantId, schema }) => `${tenantId} (${schema})`),
      output,
    );
    output.result(`\n${output.title(`${counted(missing.length, 'tenant')} without a schema:`)} ${names}`);
    output.result('  `prismiq migrate --create-schema` creates schema and tables.');
  }
  output.result(...findings('Half provisioned', halfProvisioned, output));
  output.result(...findings('Drifted', drifted, output));
  output.result(...findings('Not readable', unreadable, output));
  if (orphans.length > 0) {
    output.result(
      `\n${output.title('Schemas with tables of Prismiq that belong to no tenant:')} ${namesText(orphans, output)}`,
    );
  }
  if (status.upToDate && status.total > 0) {
    output.result('\nAll tenants are up to date.');
  } else if (groups.some(({ pending, unrecorded }) => pending.length + unrecorded.length > 0)) {
    output.result('\n`prismiq plan` shows what would run, `prismiq migrate --all` runs it.');
  }
}

function describeState({ pending, unrecorded, unknown }: FleetStatus['groups'][number]): string {
  const facts = [
    ...(pending.length > 0 ? [`${pending.length} behind`] : []),
    ...(unrecorded.length > 0 ? [`${unrecorded.length} to be recorded`] : []),
    ...(unknown.length > 0 ? [`${unknown.length} that this version does not know`] : []),
  ];
  return facts.length === 0 ? 'up to date' : facts.join(', ');
}
