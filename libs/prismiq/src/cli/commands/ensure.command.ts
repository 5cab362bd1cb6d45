import { ensureTables } from '../../schema/ensure-tables.js';
import { SELECTION_OPTIONS } from './options.js';
import { explain, UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import type { CommandDefinition } from './command.js';

/** Errors that concern one schema: the next one may succeed. */
const OF_ONE_SCHEMA = new Set(['SCHEMA_NOT_FOUND', 'SCHEMA_MISMATCH', 'PERMISSION_DENIED', 'DATABASE_ERROR']);

export const ensureCommand: CommandDefinition = {
  name: 'ensure',
  summary: "create Prismiq's tables where they are missing, as in a new tenant's schema",
  usage: '(--schema | --all | --tenant | --ring | --tag) [options]',
  manual: [
    'Creates missing tables of Prismiq and checks existing ones, as ensureTables() does in code. Tables that differ are refused ' +
      'with a list of the differences, and nothing is changed. With --repair they are altered to match, as far as that changes ' +
      'no row. The command can be repeated without effect.',
    'With --schema it works for a tenant that the directory does not know yet. Schemas are handled one after the other, and your ' +
      'own migrations do not run: for everything that tenants need, use `prismiq migrate`.',
  ],
  options: [...SELECTION_OPTIONS, 'schema', 'createSchema', 'repair'],
  examples: [
    ['prismiq ensure --schema tenant_acme --create-schema', 'Create the schema and the tables of a new tenant.'],
    ['prismiq ensure --schema tenant_acme', 'Create the tables in an existing schema.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage, ExitCode.TenantsFailed],
  async run({ values, output, session }) {
    if (values.schema === undefined && !session.selects) {
      throw new UsageError('Where? Give --schema NAME, --tenant ID, --ring NAME, --tag NAME or --all.');
    }
    const orm = await session.orm();
    const tenants = session.selects ? await session.tenants() : [];
    const schemas = new Set(values.schema);
    let exitCode: ExitCode = ExitCode.Ok;
    for (const tenant of tenants) {
      if (tenant.state === 'invalid') {
        exitCode = ExitCode.TenantsFailed;
        output.error(explain(tenant.error));
      } else {
        schemas.add(tenant.schema);
      }
    }
    for (const schema of schemas) {
      try {
        const { created, repairs = [] } = await ensureTables(orm, {
          schema,
          createSchema: values.createSchema,
          repair: values.repair,
        });
        output.event({ type: 'ensured', schema, created, ...(repairs.length > 0 && { repairs }) });
        const done = repairs.length > 0 ? 'repaired the tables' : 'created what was missing';
        output.result(`${schema}: ${created ? done : 'all was there already'}`);
      } catch (error) {
        const report = explain(error);
        if (!OF_ONE_SCHEMA.has(report.code)) throw error;
        exitCode = ExitCode.TenantsFailed;
        output.error(report);
      }
    }
    return exitCode;
  },
};
