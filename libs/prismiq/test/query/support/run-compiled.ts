import type { Pool } from 'pg';
import type { CompiledQuery } from '../../../src/query/compile/compiled-query.js';
import { suiteGuard } from '../../../../../test/support/sql-guard.js';

export interface ComputedResult {
  columns: string[];
  types: string[];
  rows: unknown[][];
  truncated: boolean;
  isFilled: boolean;
}

const asText = (text: string): string => text;

const TYPE_NAMES: Record<number, string> = {
  16: 'boolean',
  20: 'bigint',
  23: 'integer',
  25: 'text',
  1009: 'ARRAY',
  1082: 'date',
  1114: 'timestamp without time zone',
  1184: 'timestamp with time zone',
  1700: 'numeric',
};

/** Runs a compiled query as section 3 of the query contract says. */
export async function runCompiled(pool: Pool, compiled: CompiledQuery): Promise<ComputedResult> {
  const client = await pool.connect();
  try {
    return await suiteGuard.off(async () => {
      await client.query(
        `BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL TimeZone = 'UTC'; SET LOCAL statement_timeout = '30s'`,
      );
      const { fields, rows } = await client.query<unknown[]>({
        text: compiled.sql,
        values: [...compiled.parameters],
        rowMode: 'array',
        types: { getTypeParser: () => asText as never },
      });
      const shown = fields.slice(0, compiled.columns.length);
      const kept = rows.slice(0, compiled.maximumRows);
      return {
        columns: compiled.columns.map(({ name }) => name),
        types: shown.map(({ dataTypeID }) => TYPE_NAMES[dataTypeID] ?? `type ${dataTypeID}`),
        rows: kept.map((row) => shown.map(({ dataTypeID }, index) => encode(row[index], dataTypeID))),
        truncated: rows.length > compiled.maximumRows,
        isFilled: compiled.hasFillMarker && rows.every((row) => row.at(-1) === 't'),
      };
    });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

function encode(value: unknown, type: number): unknown {
  if (value === null || typeof value !== 'string') {
    return value;
  }
  switch (type) {
    case 16:
      return value === 't';
    case 20:
    case 21:
    case 23:
    case 700:
    case 701:
    case 1700:
      return Number(value);
    case 1009:
      return value === '{}' ? [] : value.slice(1, -1).split(',');
    case 1114:
      return value.replace(' ', 'T');
    case 1184:
      return value.replace(' ', 'T').replace('+00', 'Z');
    default:
      return value;
  }
}
