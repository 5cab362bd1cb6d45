import { prismiqSchemaSql } from '../../schema/prismiq-schema-sql.js';
import { ExitCode } from '../exit-codes.js';
import type { CommandDefinition } from './command.js';

export const sqlCommand: CommandDefinition = {
  name: 'sql',
  summary: "print the SQL that creates Prismiq's tables",
  manual: [
    "Prints the statements that create Prismiq's tables at the newest version, for people who run SQL by hand, or have it " +
      'reviewed. It needs no database. The statements can be run again without effect. They do not create the schema.',
    'Without --schema the names are unqualified: the tables go where the search_path of your connection says.',
  ],
  options: ['schema'],
  examples: [
    ['prismiq sql --schema tenant_acme', 'Print the statements for one schema.'],
    ['prismiq sql | psql "$DATABASE_URL"', 'Run them in the current schema of a connection.'],
  ],
  exitCodes: [ExitCode.Ok, ExitCode.Failed, ExitCode.Usage],
  async run({ values, output }) {
    for (const schema of values.schema ?? [undefined]) {
      const sql = prismiqSchemaSql({ schema });
      output.result(sql.trimEnd());
      output.event({ type: 'sql', schema: schema ?? null, sql });
    }
    return ExitCode.Ok;
  },
};
