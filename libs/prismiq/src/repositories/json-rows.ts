import { ResultTooLargeError } from '../errors/record.errors.js';
import { errorContext } from '../tenancy/tenant.js';
import type { TenantScope } from './tenant-scope.js';

/**
 * A row as statements return it: one column, the text of a JSON array. It is measured in the database, `pg` has one value to parse
 * instead of a dozen, and the type parsers that a host has set in `pg` do not change it.
 */
export interface JsonRow {
  record: string;
}

/** The members of a record with the SQL of their values, in the order of the array. */
export type Columns<Row> = { readonly [Member in keyof Required<Row>]: string };

export const jsonArray = (columns: Record<string, string>): string =>
  `json_build_array(${Object.values(columns).join(', ')})`;

/**
 * The column of a {@link JsonRow}. If the text has more bytes than one call reads, only their number is transferred.
 *
 * @param json an SQL expression
 */
export const recordColumn = (columns: Record<string, string>, { limits }: TenantScope): string =>
  measured(columns, limits.readBytes, 'octet_length(r.json)::text');

/**
 * As {@link recordColumn}, for a write without a transaction: the statement fails if the record is larger than a dashboard may be.
 * A cast that fails (22P02, invalid_text_representation) is how plain SQL undoes its own statement.
 */
export const recordColumnOrFail = (columns: Record<string, string>, { limits }: TenantScope): string =>
  measured(columns, limits.dashboardBytes, "(octet_length(r.json) || ' bytes')::integer::text");

/** OFFSET 0 keeps PostgreSQL from computing the text once for each use. */
const measured = (columns: Record<string, string>, limit: number, otherwise: string): string =>
  `(SELECT CASE WHEN octet_length(r.json) <= ${limit} THEN r.json ELSE ${otherwise} END
    FROM (SELECT ${jsonArray(columns)}::text AS json OFFSET 0) r) AS record`;

/** Whether the record itself was transferred, and not only its size. */
export const isTransferred = ({ record }: JsonRow): boolean => record.startsWith('[');

/** The bytes of a record, whether it was transferred or not. */
export const recordBytes = (row: JsonRow): number =>
  isTransferred(row) ? Buffer.byteLength(row.record) : Number(row.record);

/** @throws ResultTooLargeError */
export function parseRow<Row>(row: JsonRow, columns: Columns<Row>, what: string, { limits, tenant }: TenantScope): Row {
  if (!isTransferred(row)) {
    throw new ResultTooLargeError(
      `Too large: ${what} has ${row.record} bytes.`,
      limits.readBytes,
      errorContext(tenant),
    );
  }
  return fromArray(columns, JSON.parse(row.record) as unknown[]);
}

export function fromArray<Row>(columns: Columns<Row>, values: readonly unknown[]): Row {
  const row: Record<string, unknown> = {};
  Object.keys(columns).forEach((member, index) => {
    row[member] = values[index];
  });
  return row as Row;
}

export const timeColumns = (alias: string) => ({
  createdAt: `${alias}.created_at`,
  updatedAt: `${alias}.updated_at`,
});

/**
 * A moment as JSON has it, such as `2026-05-01T12:00:00.123456+02:00`, or `infinity`. The session's date style does not change it, and
 * its time zone only the offset. A number would cost PostgreSQL about a tenth of the statement.
 */
export type Timestamp = string;

interface Times {
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

/** A record as it is read. */
export type Stored<T> = Omit<T, 'createdAt' | 'updatedAt' | 'invalid'> & Times;

/** In place: nobody else has the row. */
export const withDates = <T extends Times>(row: T) =>
  Object.assign(row as Omit<T, 'createdAt' | 'updatedAt'>, {
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
  });

/** Whether a stored value is a JSON object. */
export const isDocument = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
