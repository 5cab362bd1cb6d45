import { compileQuery, validateQuery } from '../../src/query/compile/compile-query.js';
import { parseQuery } from '../../src/query/definition/parse-query.js';
import type { PrismiqQueryOptions } from '../../src/query/options/query-options.js';
import { rowCondition } from '../../src/query/options/row-filter.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { compileContext } from './support/compile-context.js';
import { contractTables } from './support/contract-tables.js';
import { compiledRunner } from './support/run-compiled.js';
import { expand, type ShortQuery } from './support/short-query.js';
import { FILTERS, QUERIES, REFUSALS } from './support/vectors.js';

/** What differs from the settings of section 9.1. */
const SETTINGS: Record<string, Partial<PrismiqQueryOptions>> = {
  B5: { maximumRows: 5 },
  D17: { fiscalYearStartMonth: 2 },
  D18: { fiscalYearStartMonth: 10 },
  D20: { timeZone: 'America/New_York' },
  T3: { timeZone: 'America/New_York' },
  S1: { tables: { orders: { columns: { total: { hidden: true } } }, customers: {} } },
};

describe('the compiler of queries', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.query(contractTables('tenant_a'));
  });
  afterAll(() => database.close());

  const contextFor = (options: Partial<PrismiqQueryOptions> = {}) =>
    compileContext(database, { tables: { orders: {}, customers: {} }, ...options });

  const compile = async (query: ShortQuery, options?: Partial<PrismiqQueryOptions>) =>
    compileQuery(parseQuery(expand(query)), await contextFor(options));

  const run = async (query: ShortQuery, options?: Partial<PrismiqQueryOptions>) =>
    compiledRunner({ pool: database.pool })(await compile(query, options));

  const sorted = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).toSorted();

  it.each(FILTERS)('$number: $meaning', async ({ number, f, ids }) => {
    const { rows } = await run({ c: [['o', 'id']], f, s: [['o', 'id']] }, SETTINGS[number]);
    expect(rows).toEqual(ids.map((id) => [id]));
  });

  it.each(QUERIES)('$number: $meaning', async ({ number, query, columns, rows, isUnordered }) => {
    const result = await run(query, SETTINGS[number]);
    if (columns !== undefined) {
      expect(result.columns).toEqual(columns);
    }
    expect(isUnordered ? sorted(result.rows) : result.rows).toEqual(isUnordered ? sorted(rows) : rows);
    expect(result.truncated).toBe(number === 'B5');
  });

  it.each(REFUSALS)('$number: $meaning', async ({ number, query, status }) => {
    await expect(compile(query, SETTINGS[number])).rejects.toMatchObject({ statusCode: status });
  });

  describe('more of the same section', () => {
    it('J2: RIGHT and FULL', async () => {
      const joined = (type: string): ShortQuery => ({
        t: [
          ['o', 'orders'],
          ['c', 'customers'],
        ],
        j: [['o', 'customer_id', 'c', 'id', type]],
        c: [
          ['o', '*', 'count', 'n'],
          ['o', 'id', 'count', 'm'],
        ],
      });
      expect((await run(joined('RIGHT'))).rows).toEqual([[8, 7]]);
      expect((await run(joined('FULL'))).rows).toEqual([[9, 8]]);
      const filtered = { ...joined('FULL'), f: [['c', 'country', 'eq', 'US']] };
      expect((await run(filtered)).rows).toEqual([[11, 8]]);
    });

    it('B7: the types of the columns', async () => {
      const query: ShortQuery = { c: ['id', 'total', 'placed_at', 'tags'].map((column) => ['o', column]) };
      expect((await run(query)).types).toEqual(['integer', 'numeric', 'timestamp with time zone', 'ARRAY']);
    });

    it('F28: one warning for each filter that is left out; validation refuses them', async () => {
      const query: ShortQuery = {
        c: [['o', 'id']],
        f: [
          ['o', 'region', 'eq', 'North'],
          ['o', '', 'eq', 'x'],
        ],
      };
      expect((await compile(query)).warnings).toEqual([
        "Filter column 'region' not found in table 'orders': the filter was left out",
        "Filter column '' not found in table 'orders': the filter was left out",
      ]);
      expect(validateQuery(parseQuery(expand(query)), await contextFor())).toMatchObject([
        {
          code: 'COLUMN_NOT_FOUND',
          message: "Filter column 'region' not found in table 'orders'",
          field: 'filters[0]',
        },
        { code: 'COLUMN_NOT_FOUND', field: 'filters[1]' },
      ]);
    });

    it.each([
      '[id" , (select 1) as "y]',
      'pg_sleep(1)',
      '[nope]',
      "'x'",
      'if([id] > 1, 2)',
      '[id] [id]',
      'sum([nope])',
      '',
    ])('C17: %s', async (expression) => {
      await expect(compile({ c: [['o', 'x']], x: [['x', expression]] })).rejects.toMatchObject({
        statusCode: 400,
        message: expect.stringMatching(/^Query validation failed: Calculated field 'x': /),
      });
    });

    it.each([{ period: 'quarterly', value: 'x' }, 'quarterly', null, { period: 'yearly', value: 1e9 }])(
      'D19: date_window %j',
      async (value) => {
        await expect(
          compile({ c: [['o', 'id']], f: [['o', 'placed_at', 'date_window', value]] }),
        ).rejects.toMatchObject({
          statusCode: 400,
        });
      },
    );

    it.each(['2024-02-30', '2024-13', 'Q5 2024', '24-01-01', '0000-01-01', '2024-05-15T25:00:00Z', 'today', 5, true])(
      'D19: the date %j',
      async (value) => {
        await expect(compile({ c: [['o', 'id']], f: [['o', 'placed_at', 'eq', value]] })).rejects.toMatchObject({
          statusCode: 400,
        });
      },
    );

    it.each<[string, Partial<ShortQuery>]>([
      ['an unknown table_id', { c: [['x', 'id']] }],
      ['a negative limit', { l: -1 }],
      ['an interval that there is not', { ts: { table_id: 'o', date_column: 'placed_at', interval: 'decade' } }],
      ['11 tables', { t: Array.from({ length: 11 }, (_, index) => [`t${index}`, 'orders']) }],
      ['101 columns', { c: Array.from({ length: 101 }, () => ['o', 'id']) }],
      ['10001 values', { f: [['o', 'id', 'in_', Array.from({ length: 10_001 }, (_, index) => index)]] }],
      ['an offset beyond a million', { k: 1_000_001 }],
      ['an expression of 4001 characters', { x: [['x', '1'.repeat(4001)]] }],
      [
        'two tables with one id',
        {
          t: [
            ['o', 'orders'],
            ['o', 'customers'],
          ],
        },
      ],
      [
        'two fields with one name',
        {
          x: [
            ['x', '1'],
            ['x', '2'],
          ],
        },
      ],
    ])('S4: %s', async (_, part) => {
      await expect(compile({ c: [['o', 'id']], ...part })).rejects.toMatchObject({ statusCode: 422 });
    });
  });

  describe('a hidden column', () => {
    const uses: [string, ShortQuery][] = [
      ['columns', { c: [['o', 'COLUMN']] }],
      ['an aggregate', { c: [['o', 'COLUMN', 'sum']] }],
      ['order_by', { c: [['o', 'id']], s: [['o', 'COLUMN']] }],
      ['group_by', { c: [['o', '*', 'count']], g: [['o', 'COLUMN']] }],
      [
        'joins',
        {
          t: [
            ['o', 'orders'],
            ['c', 'customers'],
          ],
          j: [['o', 'COLUMN', 'c', 'id']],
          c: [['o', 'id']],
        },
      ],
      ['a filter', { c: [['o', 'id']], f: [['o', 'COLUMN', 'gt', 1]] }],
      ['an expression', { c: [['o', 'x']], x: [['x', '[COLUMN] + 1']] }],
      ['a qualified reference', { c: [['o', 'x']], x: [['x', '[orders.COLUMN] + 1']] }],
      ['an aggregate in an expression', { c: [['o', 'x']], x: [['x', '[Sum of COLUMN]']] }],
      ['a time series', { c: [['o', '*', 'count']], ts: { table_id: 'o', date_column: 'COLUMN', interval: 'day' } }],
      ['a similar name', { c: [['o', 'COLUMNx']] }],
    ];
    const hidden = { tables: { orders: { columns: { total: { hidden: true } } }, customers: {} } };

    /** What a client can see of it, with the name left out. */
    async function traces(query: ShortQuery, name: string) {
      const named = JSON.parse(JSON.stringify(expand(query)).replaceAll('COLUMN', name)) as unknown;
      const context = await contextFor(hidden);
      try {
        const { sql, parameters, columns, warnings } = compileQuery(parseQuery(named), context);
        return JSON.stringify({ sql, parameters, columns, warnings }).replaceAll(name, 'NAME');
      } catch (error) {
        const { message, issues } = error as { message: string; issues: unknown };
        return JSON.stringify({ message, issues }).replaceAll(name, 'NAME');
      }
    }

    it.each(uses)('cannot be told from one that does not exist, in %s', async (_, query) => {
      const seen = await traces(query, 'total');
      expect(seen).toBe(await traces(query, 'tutal'));
      expect(seen).not.toContain('total');
    });

    it('nor can a hidden table, or one that nobody exposed', async () => {
      const refusal = async (name: string) => {
        const compiled = compile(
          { t: [['o', name]], c: [['o', 'id']] },
          { tables: { orders: {}, customers: { hidden: true } } },
        );
        const { message } = (await compiled.catch((error: unknown) => error)) as Error;
        return message.replaceAll(name, 'NAME');
      };
      expect(await refusal('customers')).toBe(await refusal('nothing'));
      expect(await refusal('secrets')).toBe(await refusal('nothing'));
    });

    it('is used by a row rule nevertheless, in every use of its table', async () => {
      const options = {
        ...hidden,
        rowFilter: (table: string) =>
          table === 'orders' ? rowCondition`total >= ${'50'} OR status = ${'open'}` : true,
      };
      const query: ShortQuery = { c: [['o', 'id']], s: [['o', 'id']] };
      expect((await run({ ...query, f: [['o', 'status', 'neq', 'x']] }, options)).rows.flat()).toEqual([1, 2, 3, 4, 8]);
      // Cleo has an order that is not open, which the rule hides: the exclusion must not see it either.
      const customers: ShortQuery = {
        t: [
          ['c', 'customers'],
          ['o', 'orders'],
        ],
        j: [['c', 'id', 'o', 'customer_id']],
        c: [
          ['c', 'name'],
          ['o', 'id'],
        ],
        f: [['o', 'status', 'not_in', ['50%_off']]],
        s: [['o', 'id']],
      };
      expect((await run(customers, options)).rows.flat()).toContain('Cleo');
      expect((await run(query, { rowFilter: () => false })).rows).toEqual([]);
    });
  });

  it('names all faults at once, with what was probably meant', async () => {
    const query: ShortQuery = {
      c: [
        ['o', 'totl', 'sum', 'v'],
        ['o', 'status', 'sum'],
      ],
      s: [
        ['o', 'v'],
        ['o', 'idd'],
      ],
    };
    await expect(compile(query)).rejects.toMatchObject({
      message:
        "Query validation failed: Column 'totl' not found in table 'orders'; " +
        "Aggregation 'sum' is not valid for column 'status' of type 'text'; Order by column 'idd' not found in table 'orders'",
      issues: [
        { code: 'COLUMN_NOT_FOUND', field: 'columns[0].column', suggestion: 'total' },
        { code: 'INVALID_AGGREGATION', field: 'columns[1].column' },
        { code: 'COLUMN_NOT_FOUND', field: 'order_by[1].column', suggestion: 'id' },
      ],
    });
  });

  it('gives up filling where there would be more than 10000 cells', async () => {
    const series = (interval: string): ShortQuery => ({
      c: [['o', '*', 'count', 'n']],
      ts: { table_id: 'o', date_column: 'placed_at', interval, fill_missing: true },
    });
    const [days, minutes] = [await run(series('day')), await run(series('minute'))];
    expect([days.isFilled, days.rows.length]).toEqual([true, 367]);
    expect([minutes.isFilled, minutes.rows.length]).toEqual([false, 8]);
  });

  it('groups, sorts and filters by what is not selected', async () => {
    const query: ShortQuery = {
      c: [['o', 'total', 'sum', 'v']],
      g: [
        ['o', 'x'],
        ['o', 'customer_id'],
      ],
      s: [
        ['o', 'x', 'DESC'],
        ['o', 'n'],
        ['o', 'v'],
      ],
      f: [['o', 'n', 'lte', 2]],
      x: [
        ['x', 'if([status] == "paid", 2, 1)'],
        ['n', '[Count of id]'],
      ],
    };
    expect((await run(query)).rows).toEqual([[100], [250.5], [-10], [20], [75.25], [0]]);
  });

  it('refuses expressions that grow without bounds', async () => {
    const fields = Array.from({ length: 50 }, (_, index): [string, string] => [
      `f${index}`,
      index === 0 ? '[id]' : `[f${index - 1}] + [f${index - 1}]`,
    ]);
    await expect(compile({ c: [['o', 'f49']], x: fields })).rejects.toThrow('becomes too long');
    await expect(compile({ c: [['o', 'x']], x: [['x', '('.repeat(60) + '1' + ')'.repeat(60)]] })).rejects.toThrow(
      'nested more than 50 levels',
    );
    expect((await run({ c: [['o', 'x']], x: [['x', '1' + '+1'.repeat(400)]], l: 1 })).rows).toEqual([[401]]);
  });
});
