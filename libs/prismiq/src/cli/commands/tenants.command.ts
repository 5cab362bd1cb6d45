import { SELECTION_OPTIONS } from './options.js';
import { ExitCode } from '../exit-codes.js';
import { table } from '../output/table.js';
import { counted, printable } from '../output/text.js';
import type { CommandDefinition } from './command.js';

export const tenantsCommand: CommandDefinition = {
  name: 'tenants',
  summary: 'list the tenants that the directory knows',
  manual: [
    'Lists the tenants of the directory, or those selected, with schema, state, ring and tags. Unusable entries are ' +
      'listed as invalid, with the reason. It shows what a selection means before you give it to `prismiq migrate`. It reads ' +
      'no tenant schema, and writes nothing.',
  ],
  options: [...SELECTION_OPTIONS],
  examples: [
    ['prismiq tenants', 'List all tenants.'],
    ["prismiq tenants --tenant 'eu_*' --tag beta", 'See which tenants a selection means.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage],
  async run({ output, session }) {
    const tenants = await session.tenants();
    for (const tenant of tenants) {
      const { error, ...facts } = { error: undefined, ...tenant };
      output.event({ type: 'tenant', ...facts, ...(error === undefined ? {} : { message: error.message }) });
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
    output.result(
      ...tenants.flatMap((tenant) =>
        tenant.state === 'invalid'
          ? ['', `Invalid: ${printable(tenant.tenantId)}`, printable(tenant.error.message)]
          : [],
      ),
    );
    return ExitCode.Ok;
  },
};
