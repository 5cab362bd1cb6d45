import { SELECTION_OPTIONS } from './options.js';
import { ExitCode } from '../exit-codes.js';
import { findings } from '../output/findings.js';
import { counted } from '../output/text.js';
import type { CommandDefinition } from './command.js';

export const verifyCommand: CommandDefinition = {
  name: 'verify',
  summary: 'compare the tables of tenants with what their version has',
  manual: [
    'Compares tables, columns, defaults, constraints and indexes of each tenant with what its version has, as the catalog ' +
      'shows them, whatever the history records. It lists each difference, and writes nothing. ' +
      'Columns and indexes of your own are allowed.',
    'Also reports rows of tenants that do not belong to the schema, and row security that hides rows from the role.',
  ],
  options: [...SELECTION_OPTIONS],
  examples: [
    ['prismiq verify', 'Verify all tenants, as after a restored backup.'],
    ['prismiq verify --tenant acme --json', 'The differences of one tenant, for a program.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage, ExitCode.Drift],
  async run({ output, session }) {
    const selection = session.selection();
    const migrator = await session.migrator();
    const report = await migrator.verify(selection);
    for (const finding of report.findings) {
      output.event({ type: 'finding', ...finding });
    }
    const { total, behind } = report;
    output.event({ type: 'verified', total, behind, findings: report.findings.length });
    if (report.findings.length === 0) {
      output.result(`${counted(total, 'tenant')}: all tables match their version.`);
      if (behind > 0) {
        output.result(`${counted(behind, 'tenant')} of them behind the newest version: see \`prismiq status\`.`);
      }
      return ExitCode.Ok;
    }
    output.result(`${counted(total, 'tenant')} verified.`, ...findings('Problems', report.findings, output));
    return ExitCode.Drift;
  },
};
