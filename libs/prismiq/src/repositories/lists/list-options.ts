import { z } from 'zod';
import { parseDocument } from '../../documents/parse-document.js';
import { text } from '../../documents/text.js';

/** Which part of a list, and in which order. @publicApi */
export interface ListOptions {
  /** Part of the name or description, in any case. At most 255 characters. */
  search?: string | undefined;
  /** Only what this user owns. */
  ownerId?: string | undefined;
  /**
   * Only what the acting user owns.
   * @default false
   */
  mine?: boolean | undefined;
  /** @default 'updatedAt' for dashboards, 'name' for saved queries */
  sort?: 'name' | 'createdAt' | 'updatedAt' | undefined;
  /** @default 'asc' for names, 'desc' for times */
  order?: 'asc' | 'desc' | undefined;
  /**
   * The largest number of items, 1 to 200. A page ends earlier where its items are larger than `limits.readBytes` together.
   * @default 50
   */
  limit?: number | undefined;
  /** `nextCursor` of the previous page, which must have had the same `sort` and `order`. */
  cursor?: string | undefined;
  /**
   * Whether to count all items that match.
   * @default false
   */
  total?: boolean | undefined;
}

export type Sort = NonNullable<ListOptions['sort']>;
export type Order = NonNullable<ListOptions['order']>;

/** The largest cursor, of a name of 255 four-byte characters, has 1415. */
const MAX_CURSOR = 2000;

const listOptions = z.strictObject({
  search: text(255).optional(),
  ownerId: text(255).optional(),
  mine: z.boolean().default(false),
  sort: z.enum(['name', 'createdAt', 'updatedAt']).optional(),
  order: z.enum(['asc', 'desc']).optional(),
  limit: z.int().min(1).max(200).default(50),
  cursor: text(MAX_CURSOR).optional(),
  total: z.boolean().default(false),
});

/** The options of a page, with their defaults. */
export type PageOptions = z.output<typeof listOptions> & { sort: Sort; order: Order };

/** @throws InvalidDocumentError */
export function parseListOptions(input: ListOptions, defaultSort: Sort): PageOptions {
  const options = parseDocument(listOptions, input);
  const { sort = defaultSort } = options;
  return { ...options, sort, order: options.order ?? (sort === 'name' ? 'asc' : 'desc') };
}
