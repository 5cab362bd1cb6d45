import { z } from 'zod';
import { parseDocument } from '../documents/parse-document.js';
import type { ListOptions } from '../repositories/lists/list-options.js';
import type { Page } from '../repositories/lists/read-list.js';

const SORTS = { name: 'name', created_at: 'createdAt', updated_at: 'updatedAt' } as const;

/** The parameters of a list (wire contract 6.2). Others in the query string are ignored. */
export const listQuery = z.object({
  q: z.string().optional().describe('Part of the name or description, in any case.'),
  owner: z.literal('me').optional().describe('Only records that the caller owns.'),
  sort: z
    .enum(['name', 'created_at', 'updated_at'])
    .optional()
    .describe('By default dashboards by their last change, and saved queries by name.'),
  order: z.enum(['asc', 'desc']).optional().describe('By default names ascend and times descend.'),
  limit: z.coerce.number().int().min(1).max(200).optional().describe('At most so many; 50 by default.'),
  cursor: z.string().optional().describe('`next_cursor` of the previous page.'),
  total: z.enum(['true', 'false']).optional().describe('Whether to count all that match.'),
});

export const dashboardListQuery = listQuery.extend({
  fields: z
    .literal('summary')
    .optional()
    .describe('Without layout, filters and widgets, but with the number of widgets.'),
});

/**
 * @returns `undefined` without any parameter: the list is complete
 * @throws InvalidDocumentError
 */
export function parseListQuery<T extends typeof listQuery>(
  schema: T,
  query: unknown,
): { options: ListOptions; query: z.output<T> } | undefined {
  const known = parseDocument(schema, query ?? {});
  if (Object.keys(known).length === 0) {
    return undefined;
  }
  const { q: search, owner, sort, order, limit, cursor, total } = known;
  return {
    options: {
      search,
      mine: owner === 'me',
      sort: sort && SORTS[sort],
      order,
      limit,
      cursor,
      total: total === 'true',
    },
    query: known,
  };
}

/** The members of a page other than its items. JSON leaves out those without a value. */
export const toWirePage = ({ nextCursor, total }: Page<unknown>) => ({ next_cursor: nextCursor ?? null, total });
