import type { CompileContext } from '../../../src/query/compile/compile-context.js';
import { Calendar } from '../../../src/query/dates/calendar.js';
import type { PrismiqQueryOptions } from '../../../src/query/options/query-options.js';
import { resolveQueryOptions } from '../../../src/query/options/resolve-query-options.js';
import { resolveRowRules } from '../../../src/query/options/resolve-row-rules.js';
import { VisibleSchemas } from '../../../src/query/visible-schema/visible-schemas.js';
import type { TestDatabase } from '../../../../../test/support/test-database.js';

/** The clock of section 9.1 of the query contract. */
const NOW = new Date('2024-05-15T10:00:00Z');

/** What a query of tenant a is compiled with, under some options. */
export async function compileContext(database: TestDatabase, options: PrismiqQueryOptions): Promise<CompileContext> {
  const config = resolveQueryOptions(options);
  const { timeZone, fiscalYearStartMonth, rowFilter, maximumRows, resultNames } = config;
  const schema = await new VisibleSchemas(config, database).find('tenant_a', undefined);
  const viewer = { tenantId: 'a', schema: 'tenant_a', userId: 'ada', isAdmin: false };
  return {
    schema,
    calendar: new Calendar({
      timeZone: timeZone as string,
      fiscalYearStartMonth: fiscalYearStartMonth as number,
      clock: () => NOW,
    }),
    rowRules: await resolveRowRules(rowFilter, schema.tables.keys(), viewer),
    maximumRows,
    resultNames,
  };
}
