import { z } from 'zod';
import { text } from '../documents/text.js';
import { InvalidDocumentError } from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import type { Tenant } from '../tenancy/tenant.js';
import { toMicroseconds } from './rows.js';

/** Which part of a list, and in which order. @publicApi */
export interface ListOptions {
  /** Part of the name or description, in any case. */
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
   * How many at most, 1 to 200.
   * @default 50
   */
  limit?: number | undefined;
  /** `nextCursor` of the page before, which must have had the same `sort` and `order`. */
  cursor?: string | undefined;
  /**
   * Whether to count all that match.
   * @default false
   */
  total?: boolean | undefined;
}

/** A part of a list. @publicApi */
export interface Page<T> {
  items: T[];
  /** What to ask the next page with; `undefined`: this is the last. */
  nextCursor: string | undefined;
  /** How many match, on all pages; only if it was asked for. */
  total: number | undefined;
}

/** What a list is made of. */
interface ListSource {
  /** `FROM`, with the alias. */
  from: string;
  alias: 'd' | 'q';
  columns: string;
  /** Who asks. */
  tenant: Tenant;
  /** The access rule. */
  where: (parameters: Parameters) => string;
  sort: NonNullable<ListOptions['sort']>;
}

const listOptions = z.strictObject({
  search: text(255).optional(),
  ownerId: text(255).optional(),
  mine: z.boolean().default(false),
  sort: z.enum(['name', 'createdAt', 'updatedAt']).optional(),
  order: z.enum(['asc', 'desc']).optional(),
  limit: z.int().min(1).max(200).default(50),
  cursor: text(2000).optional(),
  total: z.boolean().default(false),
});

const COLUMNS = { name: 'name', createdAt: 'created_at', updatedAt: 'updated_at' };

/** What every row of a list has to continue by. */
interface Listed {
  id: string;
  name: string;
  createdAt: number;
  updatedAt: number;
}

/**
 * Reads one page, in one statement. A page begins after the last row of the one before, by value and not by number, so that rows
 * which come or go meanwhile shift nothing.
 */
export async function readPage<Row extends Listed>(
  sql: SqlExecutor,
  source: ListSource,
  input: ListOptions,
): Promise<Page<Row>> {
  const { from, alias, columns, sort: defaultSort } = source;
  const options = parseOptions(input);
  const { sort = defaultSort, limit } = options;
  const { order = sort === 'name' ? 'asc' : 'desc' } = options;
  const column = `${alias}.${COLUMNS[sort]}`;
  const parameters = new Parameters();
  const matching = conditions(source, options, parameters);
  const after = options.cursor === undefined ? undefined : decode(options.cursor, sort, order);
  const rest = after === undefined ? 'true' : afterCursor(alias, column, sort, order, after, parameters);
  const total = options.total ? `, (SELECT count(*)::int FROM ${from} WHERE ${matching}) AS total` : '';
  const rows = await sql.query<Row & { total?: number }>(
    `SELECT ${columns}${total} FROM ${from}
     WHERE ${matching} AND ${rest} ORDER BY ${column} ${order}, ${alias}.id LIMIT ${parameters.add(limit + 1)}`,
    parameters.values,
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: options.total ? items.map(({ total: _, ...row }) => row as unknown as Row) : items,
    nextCursor: last === undefined ? undefined : encode([sort, order, keyOf(last, sort), last.id]),
    // A page behind the last row has no row that could bring the total along.
    total: options.total ? (rows[0]?.total ?? (await count(sql, source, options))) : undefined,
  };
}

async function count(sql: SqlExecutor, source: ListSource, options: Options): Promise<number> {
  const parameters = new Parameters();
  const [row] = await sql.query<{ total: number }>(
    `SELECT count(*)::int AS total FROM ${source.from} WHERE ${conditions(source, options, parameters)}`,
    parameters.values,
  );
  return row!.total;
}

/** By what the next page continues: times in whole microseconds, so that no row is passed over or comes twice for a rounding. */
const keyOf = (row: Listed, sort: NonNullable<ListOptions['sort']>): string =>
  sort === 'name' ? row.name : String(toMicroseconds(row[sort]));

type Options = z.output<typeof listOptions>;
type Cursor = [sort: string, order: string, key: string, id: string];

function parseOptions(input: ListOptions): Options {
  const { data, error } = listOptions.safeParse(input);
  if (error) {
    throw new InvalidDocumentError(
      error.issues.map(({ code, path, message }) => ({ type: code, path: path.map(String), message })),
    );
  }
  return data;
}

function conditions(
  { alias, tenant, where }: ListSource,
  { search, ownerId, mine }: Options,
  parameters: Parameters,
): string {
  const visible = where(parameters);
  const ownedBy = (user: string) => `${alias}.owner_id::text = ${parameters.add(user)}::text`;
  const pattern =
    search === undefined ? undefined : parameters.add(`%${search.replaceAll(/[\\%_]/g, (special) => `\\${special}`)}%`);
  return [
    visible,
    ...(pattern === undefined ? [] : [`(${alias}.name ILIKE ${pattern} OR ${alias}.description ILIKE ${pattern})`]),
    ...(ownerId === undefined ? [] : [ownedBy(ownerId)]),
    // Without a user nothing is one's own.
    ...(mine ? [tenant.userId === undefined ? 'false' : ownedBy(tenant.userId)] : []),
  ].join(' AND ');
}

function afterCursor(
  alias: string,
  column: string,
  sort: string,
  order: string,
  [, , key, id]: Cursor,
  parameters: Parameters,
): string {
  const value =
    sort === 'name'
      ? `${parameters.add(key)}::text`
      : `('epoch'::timestamptz + ${parameters.add(key)}::bigint * interval '1 microsecond')`;
  return `(${column} ${order === 'asc' ? '>' : '<'} ${value}
    OR (${column} = ${value} AND ${alias}.id > ${parameters.add(id)}::uuid))`;
}

const encode = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url');

const cursorShape = z.tuple([z.string(), z.string(), z.string(), z.guid()]);

function decode(cursor: string, sort: string, order: string): Cursor {
  const fault = (message: string) => new InvalidDocumentError([{ type: 'invalid_cursor', path: ['cursor'], message }]);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw fault('is no cursor of this list');
  }
  const { data } = cursorShape.safeParse(parsed);
  if (data === undefined || (data[0] !== 'name' && !/^-?\d{1,18}$/.test(data[2]))) {
    throw fault('is no cursor of this list');
  }
  if (data[0] !== sort || data[1] !== order) {
    throw fault('belongs to a list in another order: begin again without it');
  }
  return data;
}
