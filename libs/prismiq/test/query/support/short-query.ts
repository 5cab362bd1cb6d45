import type { QueryDefinition } from '@prismiq/nestjs';

/** The short form of the query contract (9.1). */
export interface ShortQuery {
  t?: unknown[][];
  j?: unknown[][];
  c: unknown[][];
  f?: unknown[][];
  g?: unknown[][];
  s?: unknown[][];
  l?: number;
  k?: number;
  x?: [string, string][];
  ts?: unknown;
}

const objects = (rows: unknown[][] | undefined, names: string[]): Record<string, unknown>[] | undefined =>
  rows?.map((row) => Object.fromEntries(row.map((value, index) => [names[index]!, value])));

export function expand({ t = [['o', 'orders']], j, c, f, g, s, l, k, x, ts }: ShortQuery): QueryDefinition {
  return {
    tables: objects(t, ['id', 'name', 'alias']),
    joins: objects(j, ['from_table_id', 'from_column', 'to_table_id', 'to_column', 'join_type']),
    columns: objects(c, ['table_id', 'column', 'aggregation', 'alias', 'date_trunc']),
    filters: objects(f, ['table_id', 'column', 'operator', 'value']),
    group_by: objects(g, ['table_id', 'column']),
    order_by: objects(s, ['table_id', 'column', 'direction']),
    limit: l,
    offset: k,
    calculated_fields: objects(x, ['name', 'expression']),
    time_series: ts,
  } as QueryDefinition;
}
