import type { CatalogType } from './read-tables.js';
import type { ColumnType, TypeKind } from './visible-schema.js';

const KINDS: Record<string, TypeKind> = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  numeric: 'number',
  float4: 'number',
  float8: 'number',
  bool: 'boolean',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  char: 'text',
  name: 'text',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  json: 'json',
  jsonb: 'jsonb',
  uuid: 'named',
  inet: 'named',
  cidr: 'named',
  macaddr: 'named',
  macaddr8: 'named',
  time: 'named',
  timetz: 'named',
  interval: 'named',
  money: 'named',
  bit: 'named',
  varbit: 'named',
  oid: 'named',
};

/** `typcategory` of arrays and of enums. */
const ARRAY = 'A';
const ENUM = 'E';

export function toColumnType([schema, name, category, , isSortable]: CatalogType): ColumnType {
  return { kind: kindFor(schema, name, category), name, schema, isSortable };
}

function kindFor(schema: string | null, name: string, category: string): TypeKind {
  if (schema === 'pg_catalog') {
    return KINDS[name] ?? 'other';
  }
  return category === ENUM ? 'named' : name === 'citext' ? 'text' : 'other';
}

/** The spelling of information_schema, but `text` where that says USER-DEFINED, with which clients can do nothing. */
export const toDataType = ([, , category, spelling]: CatalogType): string =>
  category === ARRAY ? 'ARRAY' : (spelling ?? 'text');
