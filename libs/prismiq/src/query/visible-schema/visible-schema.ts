import { quoteIdentifier } from '../../sql/identifier.js';
import type { ColumnFormat } from '../options/column-format.js';

/**
 * What the viewers of one role may see of a tenant's schema. Every route and every part of a query works on it and on nothing else:
 * what is not in it does not exist. Immutable.
 */
export interface VisibleSchema {
  /** The tenant's schema in PostgreSQL, unquoted. */
  readonly schema: string;
  /** Equal for tenants whose visible tables are equal; differs if anything visible differs. For keys of caches. */
  readonly version: string;
  /** By name, in alphabetical order. The same object for all tenants whose visible tables are equal. */
  readonly tables: ReadonlyMap<string, VisibleTable>;
  readonly relationships: readonly Relationship[];
  /** Estimates by table: `null` for a view, 0 where PostgreSQL has not counted yet. */
  readonly rowCounts: ReadonlyMap<string, number | null>;
}

export interface VisibleTable {
  readonly name: string;
  readonly kind: 'table' | 'view';
  readonly displayName: string | null;
  readonly description: string | null;
  /** By name, in the order of the table. */
  readonly columns: ReadonlyMap<string, VisibleColumn>;
}

export interface VisibleColumn {
  readonly name: string;
  /** As in information_schema, e.g. `character varying` or `ARRAY`; the base type of a domain; `text` for types that are not PostgreSQL's own. */
  readonly dataType: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
  readonly isPrimaryKey: boolean;
  readonly displayName: string | null;
  readonly description: string | null;
  readonly format: ColumnFormat | null;
  readonly dateFormat: string | null;
}

/** A pair of columns of a foreign key. Both ends are visible. */
export interface Relationship {
  readonly fromTable: string;
  readonly fromColumn: string;
  readonly toTable: string;
  readonly toColumn: string;
}

/**
 * What can be done with the values of a type:
 * - `integer`, `number`: count and compute; `number` is numeric, real and double precision
 * - `named`: enum, uuid, inet, time and others whose values are compared, and written as text
 * - `other`: arrays, bytea, geometry and all others, which can only be shown and searched as text
 */
export type TypeKind =
  | 'integer'
  | 'number'
  | 'boolean'
  | 'text'
  | 'named'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'json'
  | 'jsonb'
  | 'other';

/** The type of a column; of a domain, its base type. */
export interface ColumnType {
  readonly kind: TypeKind;
  /** Its name in `pg_type`, e.g. `int4`. */
  readonly name: string;
  /** The schema of the type; `null` for the tenant's own, so that tenants can share the object. */
  readonly schema: string | null;
  /** Whether values can be compared, sorted and grouped; those of json, for example, cannot. */
  readonly isSortable: boolean;
}

/** The type as it is written after `::`, qualified and quoted. Without length or precision: a cast of a value would cut it. */
export function castType({ schema, name }: ColumnType, tenantSchema: string): string {
  return `${quoteIdentifier(schema ?? tenantSchema)}.${quoteIdentifier(name)}`;
}
