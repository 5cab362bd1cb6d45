import fc from 'fast-check';
import { sql } from '../../src/sql/fragment.js';
import { loadSqlGrammar, parseSql } from '../../src/sql/statements/grammar.js';
import type { QueryDefinition } from '../../src/documents/query.documents.js';
import { compileQuery } from '../../src/query/compile/compile-query.js';
import { Calendar } from '../../src/query/dates/calendar.js';
import { parseQuery } from '../../src/query/definition/parse-query.js';
import { describeSqlError } from '../../src/query/sql-mode/describe-sql-error.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { ALLOWED, REFUSED } from './sql-mode.table.js';
import {
  accepted,
  compile,
  createViews,
  createWorld,
  FOREIGN,
  HIDDEN,
  readOnly,
  readRows,
  SHARED,
  toSchema,
  VISIBLE,
  type CompileOptions,
  type TextRows,
} from './sql-mode.world.js';

let database: TestDatabase;
let views: TestDatabase;

beforeAll(async () => {
  await loadSqlGrammar();
  [database, views] = await Promise.all([TestDatabase.create(), TestDatabase.create()]);
  await Promise.all([createWorld(database), createViews(views)]);
});
afterAll(() => Promise.all([database.close(), views.close()]));

const run = (text: string, options: CompileOptions = {}): Promise<TextRows> => {
  const { sql, parameters } = accepted(text, options);
  return readOnly(database, 'pg_catalog, pg_temp', (client) => readRows(client, sql, parameters));
};

/** The text as a user would run it who may read views of what they may see. */
const runByHand = (text: string): Promise<TextRows> =>
  readOnly(views, 'tenant_a, pg_catalog', (client) => readRows(client, text, []));

/** What the author of a text is told, from the check or from the server. */
async function explain(text: string, options: CompileOptions = {}): Promise<readonly string[]> {
  const compiled = compile(text, options);
  if (Array.isArray(compiled)) {
    return compiled;
  }
  const { sql, parameters } = compiled;
  const error = await readOnly(database, 'pg_catalog, pg_temp', (client) =>
    readRows(client, sql, parameters).then(
      () => undefined,
      (error: { code: string; position?: string }) => error,
    ),
  );
  const position = error?.position === undefined ? undefined : Number(error.position);
  return error === undefined
    ? []
    : [describeSqlError(compiled, { sqlState: error.code, position }) ?? `not the text's fault: ${error.code}`];
}

describe('an allowed text', () => {
  it.each(ALLOWED)('%s', async (text, params = {}, byHand = text) => {
    const result = await run(text, { params });
    expect(result).toEqual(await runByHand(byHand));
    expect(JSON.stringify(result)).not.toContain(HIDDEN);
  });
});

describe('a refused text', () => {
  it.each(REFUSED)('%s', (text, reason) => {
    expect(compile(text, { params: { given: 1 } })).toEqual(expect.arrayContaining([expect.stringContaining(reason)]));
  });

  it('is refused for all reasons at once', () => {
    expect(compile('SELECT pg_sleep(1), version()\nFROM tenant_b.orders o, x, x')).toEqual([
      'The function pg_sleep() is not allowed (line 1, column 8)',
      'The function version() is not allowed (line 1, column 21)',
      "Table 'tenant_b.orders' not found in schema (line 2, column 6)",
      "Table 'x' not found in schema (line 2, column 25)",
      "Table 'x' not found in schema (line 2, column 28)",
    ]);
  });

  it('does not break the parser for the texts after it', () => {
    for (const deep of [`SELECT 1${'+1'.repeat(9990)}`, `SELECT ${'f('.repeat(6000)}1`, `SELECT ${'['.repeat(9000)}`]) {
      for (let times = 0; times < 50; times += 1) {
        expect(compile(deep)).toEqual([expect.stringContaining('nested too deeply')]);
      }
    }
    expect(compile('SELECT 1')).toMatchObject({ tables: [] });
  });

  it.each([
    ['a value that is an object', { x: { a: 1 } }],
    ['a list of lists', { x: [[1]] }],
    ['a function', { x: () => 1 }],
    ['a text with NUL', { x: 'a\0' }],
    ['a list of broken texts', { x: ['\ud800'] }],
  ])('%s', (_, params) => {
    expect(compile('SELECT :x::text', { params })).toEqual([expect.stringContaining('the parameter :x')]);
  });
});

describe('a text', () => {
  it('reads the tables that it names, sorted', () => {
    const text = 'WITH customers AS (SELECT 1) SELECT FROM orders, customers, "Order Items", tenant_a.orders o';
    expect(accepted(text).tables).toEqual(['Order Items', 'orders']);
  });

  it('reads no more rows than the maximum, and one that tells of more', async () => {
    const { rows } = await run('SELECT id FROM orders ORDER BY id DESC', { maximumRows: 5 });
    expect(rows.flat()).toEqual(['8', '7', '6', '5', '4', '3']);
  });

  it('may qualify tables by the schema of the tenant', async () => {
    expect((await run('SELECT count(*) FROM tenant_a.orders, TENANT_A . customers AS c')).rows).toEqual([['32']]);
    expect(accepted('TABLE x', { schema: toSchema('Ä"b', { x: ['y'] }) }).sql).toContain('"Ä""b"."x"');
  });

  it('may call functions of the host that are listed, by their schema', async () => {
    const options = { functions: ['tenant_a.own', 'pg_backend_pid'] };
    expect((await run('SELECT tenant_a.own(1), x.total FROM tenant_a.own(2) AS x(total)', options)).rows).toEqual([
      ['2', '3'],
    ]);
    expect(accepted('SELECT pg_backend_pid()', options)).toBeDefined();
    expect(compile('SELECT own(1)', options)).toEqual([expect.stringContaining('own() is not allowed')]);
    expect(compile('SELECT x.regclass FROM tenant_a.own(2) AS x', options)).toEqual([
      expect.stringContaining("Column 'x.regclass' not found"),
    ]);
  });

  it('sees nothing of a table without a rule', async () => {
    const [orders] = [...VISIBLE['orders']!];
    expect((await run(`SELECT count(${orders}) FROM orders`, { rowRule: false })).rows).toEqual([['0']]);
  });

  it.each([
    ['WITH x AS (SELECT id FROM orders) SELECT id FROM x UNION SELECT id FROM orders ORDER BY id', '1 2 8'],
    ["SELECT id FROM orders WHERE total > 60 OR id = 3 OR status <> 'paid' OR true ORDER BY id", '1 2 8'],
    ['SELECT o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id ORDER BY c.id, o.id', '1 2 8  '],
    ['SELECT id FROM (TABLE orders) AS o WHERE EXISTS (SELECT FROM orders p WHERE p.id = o.id + 1)', '1'],
  ])('is filtered wherever it names a table: %s', async (text, ids) => {
    const conditions = { orders: [sql`status = ${'paid'}`, sql`id > ${0} OR true`] };
    expect((await run(text, { conditions })).rows.flat().join(' ')).toBe(ids);
  });

  it('can be checked before the values of its parameters are known', () => {
    const text = 'SELECT lpad(status, :width) FROM orders, generate_series(1, :n + 1) WHERE status = :s';
    expect(accepted(text, { params: null }).tables).toEqual(['orders']);
    expect(compile(text, { params: { width: 5, n: 1e9, s: '' } })).toEqual([
      expect.stringContaining('generate_series()'),
    ]);
    expect(compile('SELECT pg_sleep(:a)', { params: null })).toEqual([expect.stringContaining('pg_sleep()')]);
  });

  it('is sent without its comments, which some extensions read', () => {
    const { sql } = accepted('/*+ Set(work_mem 1GB) */ SELECT /*+ SeqScan(orders) */ 1 --+ x\n FROM orders -- y');
    expect(sql).toMatch(/^SELECT \* FROM \(SELECT 1\s+FROM \(SELECT [^/-]* AS "orders"\) AS q LIMIT 10001$/);
  });

  it('has its own parameters before those of filters and rules', async () => {
    const { parameters } = accepted('SELECT :b, :a, :b FROM orders, orders o', {
      params: { a: 1, b: [true, null], unused: 2 },
      rowRule: sql`id < ${3}`,
      conditions: { orders: [sql`id > ${4}`] },
    });
    expect(parameters).toEqual([[true, null], 1, 3, 4, 3, 4]);
  });
});

describe('a rule on rows', () => {
  // Dearer than the conditions below, so that PostgreSQL would compute these first.
  const ours = { schema: SHARED, rowRule: sql`upper(lower(upper(tenant))) = ${'A'}` };

  it('holds in every part of a text', async () => {
    const text =
      'WITH x AS (TABLE sales) SELECT count(*), (SELECT count(*) FROM sales), (SELECT count(*) FROM x) FROM sales NATURAL JOIN x';
    expect((await run(text, ours)).rows).toEqual([['10', '10', '10']]);
  });

  // Only the rows of others have the amount 0.
  it.each([
    'SELECT count(*) FROM sales WHERE 1 / amount < 0',
    'SELECT count(*) FROM sales s JOIN sales t ON s.id = t.id AND 1 / t.amount < 0',
    'SELECT count(*) FROM (SELECT * FROM sales) s WHERE 1 / amount < 0',
    'WITH x AS (TABLE sales) SELECT count(*) FROM x WHERE 1 / amount < 0',
    'SELECT sum(1) FROM sales GROUP BY 1 / amount HAVING min(1 / amount) < 0',
    'SELECT 10 FROM sales s, LATERAL (SELECT FROM sales t WHERE t.id = s.id AND 1 / t.amount = s.amount) x LIMIT 1',
  ])('comes before conditions whose errors would tell of the rows of others: %s', async (text) => {
    expect((await run(text, ours)).rows).toEqual([['10']]);
  });
});

describe('the reason of an error', () => {
  it.each([
    ['SELECT orders.id,\n x.id FROM orders', 'Table or alias not found (line 2, column 2)'],
    ['SELECT customers.total FROM orders o, customers', 'Column not found (line 1, column 8)'],
    [
      "SELECT 'ü😀', id FROM orders, customers",
      'The name of a column is ambiguous: qualify it by its table (line 1, column 14)',
    ],
    ["SELECT sum(status) FROM orders WHERE 'é' = 'é'", /^No function or operator takes .*column 8\)$/],
    [
      "WITH x AS (SELECT 'ü' FROM orders) SELECT id FROM orders GROUP BY status",
      /^A column must be in GROUP BY .*column 43\)$/,
    ],
    ['SELECT 1 FROM orders, orders', 'A table or alias occurs twice: give it another alias'],
    ['SELECT :a IS NULL', 'The type of a parameter is not known: cast it, as in :name::text'],
    ['SELECT extract(:a FROM now())', 'The server does not know this syntax (line 1, column 16)'],
    ['SELECT id FROM orders UNION SELECT status FROM orders', /^Types do not match/],
    ['SELECT status LIKE 1 FROM orders', /^No function or operator takes/],
  ])('%s', async (text, reason) => {
    expect(await explain(text, { params: { a: 1 } })).toEqual([
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    ]);
  });

  it('is not the text where a table has changed since it was looked up', async () => {
    const schema = toSchema('tenant_a', { orders: ['id', 'dropped'], gone: ['id'] });
    expect(await explain('SELECT * FROM orders', { schema })).toEqual(["not the text's fault: 42703"]);
    expect(await explain('SELECT * FROM gone', { schema })).toEqual(["not the text's fault: 42P01"]);
  });
});

describe('what is hidden cannot be told from what does not exist', () => {
  const COLUMN_PLACES = [
    'SELECT %c FROM orders', 'SELECT o.%c FROM orders o', 'SELECT orders.%c FROM orders', 'SELECT max(%c) FROM orders', 'SELECT 1 FROM orders WHERE %c IS NULL',
    'SELECT 1 FROM orders o WHERE o.%c = 1', 'SELECT 1 FROM orders ORDER BY %c', 'SELECT 1 FROM orders GROUP BY %c', 'SELECT 1 FROM orders HAVING max(%c) > 1',
    'SELECT DISTINCT ON (%c) 1 FROM orders', 'SELECT 1 FROM orders a JOIN orders b USING (%c)', 'SELECT 1 FROM orders a JOIN orders b ON a.%c = b.%c',
    'SELECT count(*) FILTER (WHERE %c IS NULL) FROM orders', 'SELECT rank() OVER (ORDER BY %c) FROM orders', 'SELECT (SELECT %c) FROM orders',
    'SELECT x.%c FROM (SELECT * FROM orders) x', 'WITH x AS (TABLE orders) SELECT %c FROM x', 'SELECT (o).%c FROM orders o', 'SELECT o.%c FROM orders AS o(a)',
    'SELECT to_jsonb(o) ->> \'%c\' FROM orders o WHERE id = 1', 'SELECT %c FROM (SELECT 1 AS %c) x, orders', 'SELECT o.%c, 1 AS %c FROM orders o',
    'SELECT o.%c FROM orders o, (SELECT 1) x(%c)', 'SELECT 1 AS %c FROM orders GROUP BY orders.%c', 'SELECT 1 AS %c FROM orders a JOIN orders b USING (%c)',
  ]; // prettier-ignore
  const TABLE_PLACES = [
    'SELECT * FROM %t', 'TABLE %t', 'SELECT * FROM %t AS x', 'SELECT 1 FROM orders JOIN %t x ON true', 'SELECT (SELECT 1 FROM %t)', 'WITH x AS (TABLE %t) TABLE x',
    'SELECT * FROM tenant_a.%t', 'SELECT %t.* FROM orders', 'SELECT %t FROM orders', 'SELECT %t.id FROM orders', 'WITH %t AS (SELECT 1 AS a) SELECT a FROM %t',
    'SELECT tenant_a.%t.id FROM orders', 'SELECT * FROM %t TABLESAMPLE SYSTEM (1)', "SELECT '%t'::regclass", 'SELECT NULL::%t', "SELECT %t('x')",
  ]; // prettier-ignore

  it.each([
    ...COLUMN_PLACES.map((text) => [text, '%c', 'margin', 'nirgam'] as const),
    ...TABLE_PLACES.map((text) => [text, '%t', 'salaries', 'seiralas'] as const),
    ...TABLE_PLACES.map((text) => [text, '%t', 'prismiq_dashboards', 'qimsirp_sdraobhsad'] as const),
    ...TABLE_PLACES.map((text) => [text, '%t', 'pg_class', 'ssalc_gp'] as const),
  ])('%s (%s)', async (text, place, hidden, absent) => {
    const explainWith = async (name: string): Promise<unknown> => {
      const compiled = compile(text.replaceAll(place, name));
      const rows = Array.isArray(compiled) ? undefined : await run(text.replaceAll(place, name)).catch(() => undefined);
      return JSON.parse(JSON.stringify([await explain(text.replaceAll(place, name)), rows]).replaceAll(name, place));
    };
    expect(await explainWith(hidden)).toEqual(await explainWith(absent));
  });
});

describe('any text', () => {
  const PIECES = [
    'SELECT', 'FROM', 'WHERE', 'orders', 'tenant_b', '.', ',', '(', ')', '[', ']', ':', '::', ':a', 'a', '"A"', "'x'", "E'\\'", "'\\'", '$1', '$$', '$x$', '*', ';', '--', '/*', '*/',
    '\n', ' ', 'U&"x"', 'AS', 'TABLE', 'WITH', 'UNION', 'é', '😀', '1', '1.5', '=', '||', '?', '@', 'ONLY', 'VALUES', 'JOIN', 'ON', 'LATERAL', '`', '#', '\\', '"',
  ]; // prettier-ignore
  const text = fc.oneof(
    fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((pieces) => pieces.join('')),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((pieces) => `SELECT ${pieces.join(' ')}`),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );

  it('is refused with reasons, or is one statement', () => {
    fc.assert(
      fc.property(text, (text) => {
        const compiled = compile(text, { params: { a: 1 } });
        if (Array.isArray(compiled)) {
          expect(compiled.every((reason) => reason.length > 5)).toBe(true);
        } else {
          expect(parseSql(compiled.sql)).toHaveLength(1);
          expect(compiled.sql).not.toContain('tenant_b.');
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a rule on rows, in a query definition', () => {
  // Dearer than any condition, so that PostgreSQL would compute the conditions first.
  const rule = sql`EXISTS (SELECT FROM shared.sales m WHERE m.id = sales.id AND m.tenant = ${'a'})`;

  it.each<[string, Partial<QueryDefinition>]>([
    [
      'an expression that fails',
      {
        calculated_fields: [{ name: 'x', expression: 'date(2024, 12 + 1 + [amount], 1)' }],
        filters: [{ table_id: 's', column: 'x', operator: 'is_not_null' }],
      },
    ],
    [
      'a pattern that fails',
      { filters: [{ table_id: 's', column: 'note', operator: 'not_like', value: `${FOREIGN.slice(0, 3)}\\` }] },
    ],
  ])('comes before %s for the rows of others', async (_, definition) => {
    const query = parseQuery({
      tables: [{ id: 's', name: 'sales' }],
      columns: [{ table_id: 's', column: 'id', aggregation: 'count' }],
      ...definition,
    });
    const { sql, parameters } = compileQuery(query, {
      schema: SHARED,
      calendar: new Calendar({ timeZone: 'UTC', fiscalYearStartMonth: 1, clock: () => new Date() }),
      rowRules: new Map([['sales', rule]]),
      maximumRows: 10,
      resultNames: 'column',
    });
    const { rows } = await readOnly(database, 'pg_catalog', (client) => readRows(client, sql, parameters));
    expect(rows).toEqual([['10']]);
  });
});
