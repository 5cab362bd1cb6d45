import type { CompiledQuery } from '../../../src/query/compile/compiled-query.js';
import { QueryRunner } from '../../../src/query/run/query-runner.js';
import type { Lender } from '../../../src/sql/borrow.js';

export interface ComputedResult {
  columns: string[];
  types: string[];
  rows: unknown[][];
  truncated: boolean;
  isFilled: boolean;
}

const LIMITS = {
  resultBytes: 16 * 1024 * 1024,
  timeoutMs: 30_000,
  lockTimeoutMs: 1000,
  total: 4,
  perTenant: 4,
  waitTimeoutMs: 30_000,
};

const TENANT = { tenantId: 'a', schema: 'tenant_a', userId: 'ada', isAdmin: false };

/** Runs compiled queries, and leaves out what is no part of their results. */
export function compiledRunner(lender: Lender): (compiled: CompiledQuery) => Promise<ComputedResult> {
  const runner = new QueryRunner(lender, LIMITS);
  return async ({ sql, parameters, columns, maximumRows, hasFillMarker }) => {
    const { types, rows, isTruncated } = await runner.run(TENANT, { sql, parameters }, { maximumRows });
    return {
      columns: columns.map(({ name }) => name),
      types: types.slice(0, columns.length),
      rows: rows.map((row) => row.slice(0, columns.length)),
      truncated: isTruncated,
      isFilled: hasFillMarker && rows.every((row) => row.at(-1) === true),
    };
  };
}
