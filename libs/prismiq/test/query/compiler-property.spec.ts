import fc from 'fast-check';
import { compileQuery } from '../../src/query/compile/compile-query.js';
import { parseQuery } from '../../src/query/definition/parse-query.js';
import { InvalidQueryError } from '../../src/errors/query.errors.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { anyCase } from './property/definitions.js';
import { Evaluator, type Data } from './property/evaluate.js';
import type { Value } from './property/expressions.js';
import { compileContext } from './support/compile-context.js';
import { compiledRunner } from './support/run-compiled.js';

/** Each takes some 6 ms. */
const RUNS = Math.min(10_000, Number(process.env['FUZZ_OPERATIONS'] ?? 500));

/** Few values, so that rows are equal, related and tied. Divisors are powers of two, which need no decimals. */
const DATA: Data = {
  a: [
    { id: 1, k: 1, t: 'a', n: 0.5, b: true, d: '2024-05-14', s: '2024-05-14T23:30:00Z' },
    { id: 2, k: 1, t: 'b', n: 2, b: false, d: '2024-05-15', s: '2024-05-15T08:00:00Z' },
    { id: 3, k: 2, t: 'ab', n: -1, b: null, d: '2023-12-31', s: '2023-12-31T23:59:59Z' },
    { id: 4, k: null, t: null, n: null, b: true, d: null, s: null },
    { id: 5, k: 2, t: 'a', n: 0, b: false, d: '2024-02-29', s: '2024-03-31T00:00:00Z' },
    { id: 6, k: 0, t: 'ba', n: 2, b: true, d: '2024-05-14', s: '2024-05-14T00:00:00Z' },
  ],
  b: [
    { id: 1, k: 2, t: 'b', n: 1, b: false, d: '2024-05-15', s: '2024-05-15T00:00:00Z' },
    { id: 2, k: 3, t: 'ab', n: 4, b: true, d: '2024-01-01', s: null },
    { id: 3, k: 1, t: null, n: 0.5, b: null, d: null, s: '2024-05-14T23:30:00Z' },
    { id: 5, k: null, t: 'a', n: null, b: true, d: '2023-12-31', s: '2022-11-07T12:00:00Z' },
  ],
};

describe('random definitions', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.query('CREATE SCHEMA tenant_a');
    for (const [table, rows] of Object.entries(DATA)) {
      await database.query(
        `CREATE TABLE tenant_a.${table} (id int PRIMARY KEY, k bigint, t text COLLATE "C", n numeric(6,1), b boolean, d date, s timestamptz)`,
      );
      await database.query(
        `INSERT INTO tenant_a.${table} SELECT * FROM json_populate_recordset(NULL::tenant_a.${table}, $1)`,
        [JSON.stringify(rows)],
      );
    }
  });
  afterAll(() => database.close());

  it('are refused, or give what an obvious evaluator gives', async () => {
    const context = await compileContext(database, { tables: { a: {}, b: {} } });
    const run = compiledRunner({ pool: database.pool });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        let compiled;
        try {
          compiled = compileQuery(parseQuery(one.definition), context);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidQueryError);
          refused += 1;
          return;
        }
        const { rows } = await run(compiled);
        const expected = new Evaluator(one, DATA).rows();
        const { order_by: orderBy, limit } = one.definition;
        // Without a complete order, equal keys may come in any order.
        const isOrdered = (orderBy?.length ?? 0) > 0 && limit !== undefined;
        expect(isOrdered ? round(rows) : sort(round(rows))).toEqual(
          isOrdered ? round(expected) : sort(round(expected)),
        );
      }),
      { numRuns: RUNS },
    );
    expect(refused).toBeLessThan(RUNS * 0.75);
  });
});

/** The evaluator has no decimals, and writes moments by milliseconds. */
const round = (rows: readonly unknown[][]): Value[][] =>
  rows.map((row) => row.map((value) => (typeof value === 'number' ? Number(value.toFixed(6)) + 0 : (value as Value))));

const sort = (rows: Value[][]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();
