import { SELECTION_OPTIONS } from '../arguments/options.js';
import { ExitCode } from '../exit-codes.js';
import { table } from '../output/table.js';
import { counted } from '../output/text.js';
import type { Command } from './command.js';

export const tenantsCommand: Command = {
  name: 'tenants',
  summary: 'list the tenants that the directory knows',
  usage: '[--tenant ID]... [--ring NAME]... [--tag NAME]... [options]',
  manual: [
    'Lists the tenants of the directory, or those selected, with schema, state, ring and tags. It shows what a selection means ' +
      'before `prismiq migrate` is given it. It reads no tenant schema, and writes nothing.',
  ],
  options: [...SELECTION_OPTIONS],
  examples: [
    ['prismiq tenants', 'List all tenants.'],
    ["prismiq tenants --tenant 'eu_*' --tag beta", 'See whom a selection means.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage],
  async run({ output, session }) {
    const tenants = await session.tenants();
    for (const tenant of tenants) {
      output.event({ type: 'tenant', ...tenant });
    }
    if (tenants.length > 0) {
      const rows = table(
        tenants,
        [
          { title: 'TENANT', cell: ({ tenantId }) => tenantId },
          { title: 'SCHEMA', cell: ({ schema }) => schema },
          { title: 'STATE', cell: ({ state }) => state },
          { title: 'RING', cell: ({ ring }) => ring },
          { title: 'TAGS', cell: ({ tags }) => tags.join(', ') || undefined },
        ],
        output.title,
      );
      output.result(rows, '');
    }
    output.result(`${counted(tenants.length, 'tenant')}.`);
    return ExitCode.Ok;
  },
};
