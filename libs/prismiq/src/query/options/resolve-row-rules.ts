import { InvalidOptionsError } from '../../errors/configuration.errors.js';
import { SqlFragment } from '../../sql/fragment.js';
import type { QueryViewer, RowFilter, RowRule, RowRules } from './row-filter.js';

/**
 * Asks the host which rows of some tables the viewer may see.
 *
 * @throws InvalidOptionsError if the host's function returns no rule
 */
export async function resolveRowRules(
  rowFilter: RowFilter | undefined,
  tables: Iterable<string>,
  viewer: QueryViewer,
): Promise<RowRules> {
  const rules = new Map<string, RowRule>();
  for (const table of tables) {
    const rule = rowFilter === undefined ? true : await rowFilter(table, viewer);
    if (typeof rule !== 'boolean' && !(rule instanceof SqlFragment)) {
      throw new InvalidOptionsError(
        'query.rowFilter',
        `must return true, false or rowCondition\`…\`, and returned ${rule === null ? 'null' : typeof rule} for the table ${table}`,
        { tenantId: viewer.tenantId, schema: viewer.schema },
      );
    }
    rules.set(table, rule);
  }
  return rules;
}
