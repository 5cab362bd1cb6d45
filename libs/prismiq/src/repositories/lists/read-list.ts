import { ResultTooLargeError } from '../../errors/record.errors.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { errorContext } from '../../tenancy/tenant.js';
import { isTransferred, jsonArray, parseRow, type Columns, type JsonRow, type Timestamp } from '../json-rows.js';
import type { TenantScope } from '../tenant-scope.js';
import { decodeCursor, encodeCursor, type Cursor } from './cursor.js';
import { parseListOptions, type ListOptions, type Order, type PageOptions, type Sort } from './list-options.js';

/** A part of a list. @publicApi */
export interface Page<T> {
  items: T[];
  /** The `cursor` of the next page, undefined on the last one. */
  nextCursor: string | undefined;
  /** How many items match, on all pages; only if it was asked for. */
  total: number | undefined;
}

/** What a list is made of. */
export interface ListSource<Row> {
  /** In the plural. */
  what: string;
  table: string;
  alias: 'd' | 'q';
  columns: Columns<Row>;
  /** About how large a record is, by the size of what is stored; `undefined` if reading it costs next to nothing. */
  storedBytes: string | undefined;
  /** The access rule. */
  where: (parameters: Parameters) => string;
  sort: Sort;
}

const COLUMNS: Record<Sort, string> = { name: 'name', createdAt: 'created_at', updatedAt: 'updated_at' };

/** The members by which the next page continues. */
interface Listed {
  id: string;
  name: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** @throws ResultTooLargeError */
export async function readAll<Row extends Listed>(
  sql: SqlExecutor,
  scope: TenantScope,
  source: ListSource<Row>,
): Promise<Row[]> {
  const { sort, order } = parseListOptions({}, source.sort);
  const parameters = new Parameters();
  const statement = selectWithinBudget(scope, source, sort, order, source.where(parameters));
  const { records, isCut } = takeRecords(await sql.query<ListRow>(statement, parameters.values), scope, source);
  if (isCut) {
    throw new ResultTooLargeError(
      `Too large: the complete list of ${source.what}. Read it page by page (\`limit\` and \`cursor\`), or as summaries where there are some.`,
      scope.limits.readBytes,
      errorContext(scope.tenant),
    );
  }
  return records;
}

/** @throws InvalidDocumentError, ResultTooLargeError (a single record is too large) */
export async function readPage<Row extends Listed>(
  sql: SqlExecutor,
  scope: TenantScope,
  source: ListSource<Row>,
  input: ListOptions,
): Promise<Page<Row>> {
  const options = parseListOptions(input, source.sort);
  const { sort, order, limit } = options;
  const parameters = new Parameters();
  const matching = conditions(scope, source, options, parameters);
  const after = options.cursor === undefined ? undefined : decodeCursor(options.cursor, sort, order);
  const rest =
    after === undefined ? matching : `${matching} AND ${isAfter(source.alias, sort, order, after, parameters)}`;
  const total = options.total
    ? `, (SELECT count(*)::int FROM ${source.table} ${source.alias} WHERE ${matching}) AS total`
    : '';
  const rows = await sql.query<ListRow>(
    selectWithinBudget(scope, source, sort, order, rest, { limit: parameters.add(limit + 1), more: total }),
    parameters.values,
  );
  const { records, isCut } = takeRecords(rows, scope, source);
  const items = records.slice(0, limit);
  const last = isCut || records.length > limit ? items.at(-1) : undefined;
  return {
    items,
    nextCursor: last && encodeCursor(sort, order, { key: getSortKey(last, sort), id: last.id }),
    // A page behind the last row has no row that could bring the total along.
    total: options.total ? (rows[0]?.total ?? (await count(sql, scope, source, options))) : undefined,
  };
}

type ListRow = JsonRow & { total?: number };

/**
 * Reads records as long as they fit into the budget; the first that does not comes as the number of its bytes. Where records are
 * large, the size of what is stored decides first, so that the server makes no JSON in vain; then the JSON itself, since what is
 * stored may be compressed. The window functions take the rows in the order of the innermost query.
 */
function selectWithinBudget<Row>(
  { limits: { readBytes } }: TenantScope,
  { table, alias, columns, storedBytes }: ListSource<Row>,
  sort: Sort,
  order: Order,
  where: string,
  { limit = 'ALL', more = '' } = {},
): string {
  const inOrder = `${where} ORDER BY ${alias}.${COLUMNS[sort]} ${order}, ${alias}.id LIMIT ${limit}`;
  const json = `${jsonArray(columns)}::text`;
  const records =
    storedBytes === undefined
      ? `SELECT ${json} AS json, 0 AS stored FROM ${table} ${alias} WHERE ${inOrder}`
      : `SELECT ${json} AS json, ${alias}.stored FROM (
           SELECT ${alias}.*, sum(${alias}.stored) OVER (ROWS UNBOUNDED PRECEDING) AS stored_sum FROM (
             SELECT ${alias}.*, ${storedBytes} AS stored FROM ${table} ${alias} WHERE ${inOrder}) ${alias}) ${alias}
         WHERE ${alias}.stored_sum - ${alias}.stored <= ${readBytes} OFFSET 0`;
  return `SELECT CASE WHEN m.sum <= ${readBytes} THEN m.json ELSE m.bytes::text END AS record${more}
    FROM (
      SELECT s.json, s.bytes, sum(s.bytes) OVER (ROWS UNBOUNDED PRECEDING) AS sum
      FROM (SELECT r.json, greatest(octet_length(r.json), r.stored) AS bytes FROM (${records}) r) s) m
    WHERE m.sum - m.bytes <= ${readBytes}`;
}

function takeRecords<Row>(rows: ListRow[], scope: TenantScope, { what, columns }: ListSource<Row>) {
  const isCut = rows.length > 0 && !isTransferred(rows.at(-1)!);
  // A list that begins with a record that does not fit cannot be read.
  const fitting = isCut && rows.length > 1 ? rows.slice(0, -1) : rows;
  return { records: fitting.map((row) => parseRow(row, columns, `one of the ${what}`, scope)), isCut };
}

async function count<Row>(
  sql: SqlExecutor,
  scope: TenantScope,
  source: ListSource<Row>,
  options: PageOptions,
): Promise<number> {
  const parameters = new Parameters();
  const [row] = await sql.query<{ total: number }>(
    `SELECT count(*)::int AS total FROM ${source.table} ${source.alias} WHERE ${conditions(scope, source, options, parameters)}`,
    parameters.values,
  );
  return row!.total;
}

const getSortKey = (row: Listed, sort: Sort): string => (sort === 'name' ? row.name : toMicroseconds(row[sort]));

/** Whole microseconds since 1970, so that rounding neither skips a row nor repeats one; or `infinity`. */
function toMicroseconds(time: Timestamp): string {
  const [, fraction = ''] = /\.(\d+)/.exec(time) ?? [];
  const seconds = Math.floor(Date.parse(time) / 1000);
  if (Number.isNaN(seconds)) {
    return time;
  }
  return String(BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0')));
}

function conditions<Row>(
  { tenant }: TenantScope,
  { alias, where }: ListSource<Row>,
  { search, ownerId, mine }: PageOptions,
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
    // Without a user, nothing belongs to the caller.
    ...(mine ? [tenant.userId === undefined ? 'false' : ownedBy(tenant.userId)] : []),
  ].join(' AND ');
}

function isAfter(alias: string, sort: Sort, order: Order, { key, id }: Cursor, parameters: Parameters): string {
  const column = `${alias}.${COLUMNS[sort]}`;
  const value = sort === 'name' ? `${parameters.add(key)}::text` : toTimestampSql(parameters.add(key), key);
  return `(${column} ${order === 'asc' ? '>' : '<'} ${value}
    OR (${column} = ${value} AND ${alias}.id > ${parameters.add(id)}::uuid))`;
}

const toTimestampSql = (parameter: string, key: string): string =>
  key.endsWith('infinity')
    ? `${parameter}::timestamptz`
    : `('epoch'::timestamptz + ${parameter}::bigint * interval '1 microsecond')`;
