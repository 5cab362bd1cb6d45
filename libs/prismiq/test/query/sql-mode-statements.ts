import fc, { type Arbitrary } from 'fast-check';

/** Expressions that must be refused; a `%` stands for another expression. */
const HOSTILE = [
  'pg_sleep(0.01)', "pg_read_file('PG_VERSION')", "query_to_xml('SELECT * FROM tenant_b.orders', true, false, '')", "set_config('role', 'x', false)",
  "set_config('search_path', 'tenant_b', false)", "current_setting('role')", 'current_user', 'session_user', "nextval('tenant_a.counter')",
  'pg_advisory_lock(1)', "pg_notify('a', 'b')", "('tenant_b.orders'::text).regclass", "('x'::text).pg_sleep", '(o).margin', 'o.margin', 'margin', 's.tenant', 'tenant',
  'o.pg_typeof', 's.pg_typeof', 'q.pg_read_file', 'q.regclass', 'u.pg_ls_dir', "'orders'::regclass", 'ctid', 'o.xmin', 's.tableoid', 'tenant_b.orders.id',
  'tenant_a.orders.margin', 'repeat(%, 1000000)', 'lpad((%)::text, 100000000)', '(SELECT note FROM tenant_b.salaries LIMIT 1)', '(TABLE tenant_b.orders LIMIT 1)',
  '(SELECT name FROM prismiq_dashboards LIMIT 1)', '(SELECT max(note) FROM salaries)', 'ARRAY(SELECT status FROM tenant_b.orders)',
  'EXISTS (SELECT FROM pg_catalog.pg_authid WHERE rolsuper)', "(SELECT string_agg(status, ',') FROM (TABLE tenant_b.orders) x)", "dblink('', 'SELECT 1')",
  "ts_stat('SELECT note FROM tenant_b.salaries')", "lo_import('/etc/passwd')", '(%) OPERATOR(tenant_b.+) (%)', '(%)::text COLLATE tenant_b.x', 'tenant_a.own(1)',
  "xmlparse(CONTENT 'x')", '$1', 'NULL::tenant_b.orders', "jsonb_populate_record(NULL::tenant_b.orders, '{}')", 'generate_series(1, 1000000000)',
  "'\\' || (SELECT note FROM tenant_b.salaries LIMIT 1) || '\\'", "E'\\\\' || (SELECT note FROM tenant_b.salaries LIMIT 1) || '", ':missing',
  "/* ' */ (SELECT note FROM tenant_b.salaries LIMIT 1)", "-- '\n(SELECT note FROM tenant_b.salaries LIMIT 1)", "$x$ $$ $x$ || (SELECT note FROM tenant_b.salaries LIMIT 1)",
]; // prettier-ignore

/** Expressions that may be accepted, and then must not show or do more than they should. */
const ODD = [
  "E'\\' || (SELECT note FROM tenant_b.salaries LIMIT 1) || '", "$$ ' || (SELECT note FROM tenant_b.salaries LIMIT 1) || ' $$", "'a' -- ' ||\n '(SELECT 1)'",
  "U&'\\0041'", "/* ' */ 'x' /* ' */", "-- '\n'x'", ':n', ':s', ':list', "$a$ :s $a$", "'::' || ':s'", "1::text || '1'", '"E\'" ', 'Σ', "'😀' || 'ü'",
]; // prettier-ignore

const ODD_OF_TENANT = ['o', 'to_jsonb(o)', "to_jsonb(o) ->> 'margin'", 'row_to_json(o)', 'count(o)', 'o.*', 'array_agg(o)', 'json_agg(o)', '(SELECT o)', 'max(to_jsonb(o)::text)', 'hash_record(o)']; // prettier-ignore
const ODD_OF_SHARED = ['s', 'to_jsonb(s)', "to_jsonb(s) ->> 'tenant'", '1 / s.amount', 's.note::int', 'count(s)', 'sum(1 / s.amount)', "array_agg(s)", '(SELECT s)', '1 / (s.amount + (SELECT 0))']; // prettier-ignore
const COLUMNS_OF_TENANT = ['o.id', 'o.status', 'o.total', 'o.placed_at', 'o.tags[1]', "o.details -> 'a'", "o.details ->> 'é'", 'o.customer_id', 'cardinality(o.tags)']; // prettier-ignore
const COLUMNS_OF_SHARED = ['s.id', 's.amount', 's.note', 'sum(s.amount)', 'max(s.note)'];
const CONSTANTS = ["'x'", '1', '1.5', 'NULL', 'true', 'now()', 'current_date', "date '2024-01-01'", 'count(*)'];

const COMBINED = [
  'length((%)::text) + length((%)::text)', '(%)::text || (%)::text', '(%)::text = (%)::text', '((%)::text, 1) <> ((%)::text, 2)', '(%)::text IN ((%)::text, \'x\')',
  '(%)::text BETWEEN (%)::text AND (%)::text', 'CASE WHEN (%) IS NULL THEN (%)::text ELSE (%)::text END', 'coalesce((%)::text, (%)::text)', 'nullif((%)::text, (%)::text)',
  'greatest((%)::text, (%)::text)', 'CAST(% AS text)', 'upper((%)::text)', 'concat(%, %)', 'max((%)::text)', 'array_agg(%)', "string_agg((%)::text, ',' ORDER BY (%)::text)",
  'count(*) FILTER (WHERE (%) IS NULL)', 'row_number() OVER (PARTITION BY (%)::text ORDER BY (%)::text)', 'ARRAY[(%)::text, (%)::text]', 'ROW(%, %)::text',
  '(%)::text IS DISTINCT FROM (%)::text', '(%) IS NOT NULL', 'NOT ((%) IS NULL)', '(%)::text LIKE (%)::text', 'jsonb_build_array(%, %)', 'to_jsonb(%)', '((%)::text) /* % */',
  'lag((%)::text) OVER (ORDER BY (%)::text ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)', '(ARRAY[(%)::text])[1]', "left((%)::text, 3) -- '\n", 'substring((%)::text FROM 2)',
  "replace((%)::text, 'a', (%)::text)", 'percentile_disc(0.5) WITHIN GROUP (ORDER BY (%)::text)', "(%)::text COLLATE \"C\"", 'md5((%)::text)', "regexp_replace((%)::text, '.', 'x')",
]; // prettier-ignore

const FROM_TENANT = [
  'orders o', 'orders AS o', 'orders o JOIN customers c ON o.customer_id = c.id', 'orders o, customers c', 'orders o(id, status)', 'orders * o', 'ORDERS "o"', 'tenant_a.orders o',
  'orders o NATURAL JOIN customers c', 'orders o FULL JOIN customers c USING (id)', 'orders o LEFT JOIN "Order Items" i ON o.id = i."Order"', 'orders o, LATERAL unnest(o.tags) u',
  'orders o, unnest(o.tags) AS q(x)', 'orders o CROSS JOIN LATERAL (SELECT o.id AS n) x', 'orders o, jsonb_each(\'{"a": 1}\') AS x', '(VALUES (1)) x(id), orders o',
  '(TABLE orders) o', '(SELECT * FROM orders WHERE id > 2) AS o', '(orders o CROSS JOIN customers c)', 'generate_series(1, 3) n, orders o', 'orders o, /* tenant_b. */ orders p',
]; // prettier-ignore

const FROM_SHARED = [
  'sales s', 'sales AS s', 'sales s JOIN sales t USING (id)', 'sales s, sales t', 'sales s(id, amount, note)', 'shared.sales s', '(SELECT * FROM sales OFFSET 0) s', 'sales * s',
  'sales s CROSS JOIN LATERAL (SELECT * FROM sales t WHERE t.id = s.id) o', '(TABLE sales) s', 'generate_series(1, 3) n, sales s', 'sales s LEFT JOIN sales t ON 1 / t.amount = s.amount',
]; // prettier-ignore

const HOSTILE_FROM = [
  'tenant_b.orders o', 'tenant_b.orders', 'salaries o', 'prismiq_dashboards o', 'tenant_a.prismiq_dashboards o', 'pg_catalog.pg_class o', 'information_schema.tables o', 'ONLY orders o',
  'orders o TABLESAMPLE SYSTEM (100)', "pg_read_file('PG_VERSION') o", "pg_ls_dir('.') o", 'orders o, salaries x', 'orders o JOIN tenant_b.salaries x ON true', 'U&"orders" o',
  '"orders " o', 'pg_stat_activity o', 'ROWS FROM (pg_sleep(1)) o', 'current_user o', 'orders o, (TABLE tenant_b.customers) x', 'generate_series(1, 10000000) o', 'tenant_b.w o', 'w o, salaries x',
  "XMLTABLE('/a' PASSING 'x' COLUMNS b text) o", 'json_to_record(\'{"a": "pg_class"}\') AS o(a regclass)', 'v o', 'postgres.tenant_a.orders o', 'sales s, tenant_b.orders o',
  "unnest(ARRAY['/etc/passwd']) q, orders o", "orders o, unnest(ARRAY['.']) u", "sales s, unnest(ARRAY['pg_class']) q",
]; // prettier-ignore

const WHOLE = [
  'INSERT INTO orders VALUES (1)', 'DELETE FROM orders', "UPDATE orders SET status = 'x'", 'TRUNCATE orders', 'SELECT 1; DELETE FROM orders', 'COPY orders TO STDOUT', 'SET role postgres',
  'DO $$BEGIN END$$', 'CREATE TABLE x AS TABLE orders', 'EXPLAIN ANALYZE DELETE FROM orders', 'MERGE INTO orders USING customers ON true WHEN MATCHED THEN DELETE', 'LOCK orders', 'LISTEN x',
  'RESET ALL', 'SELECT * INTO TEMP x FROM orders', 'TABLE tenant_b.orders', 'TABLE orders FOR UPDATE', 'PREPARE x AS SELECT 1', 'DECLARE c CURSOR FOR SELECT 1', 'BEGIN', 'COMMIT',
]; // prettier-ignore

/** Fills each `%` with an expression. */
const filled = (templates: readonly string[], expression: Arbitrary<string>): Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...templates), fc.array(expression, { minLength: 3, maxLength: 3 }))
    .map(([template, parts]) => parts.reduce((text, part) => text.replace('%', () => part), template));

const optional = (text: Arbitrary<string>): Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text });

interface Parts {
  expression: string;
  from: string;
  query: string;
}

/**
 * Queries that fit the tables.
 *
 * @param hostility how often a part is hostile, in percent
 */
function anyQuery(isShared: boolean, hostility: number): Arbitrary<string> {
  const atoms: Arbitrary<string> = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...(isShared ? COLUMNS_OF_SHARED : COLUMNS_OF_TENANT)) },
    { weight: 2, arbitrary: fc.constantFrom(...(isShared ? ODD_OF_SHARED : ODD_OF_TENANT)) },
    { weight: 2, arbitrary: fc.constantFrom(...CONSTANTS, ...ODD) },
  );
  const friendly = 100 - hostility;
  return fc.letrec<Parts>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      { weight: friendly, arbitrary: atoms },
      { weight: hostility, arbitrary: filled(HOSTILE, atoms) },
      { weight: friendly, arbitrary: filled(COMBINED, tie('expression') as Arbitrary<string>) },
      { weight: 10, arbitrary: tie('query').map((query) => `(SELECT max(y.a::text) FROM (${query}) AS y(a))`) },
    ),
    from: fc.oneof(
      { maxDepth: 1, depthSize: 'small' },
      { weight: friendly, arbitrary: fc.constantFrom(...(isShared ? FROM_SHARED : FROM_TENANT)) },
      { weight: hostility, arbitrary: fc.constantFrom(...HOSTILE_FROM) },
      { weight: 10, arbitrary: tie('query').map((query) => `(${query}) AS x, ${isShared ? 'sales s' : 'orders o'}`) },
    ),
    query: fc
      .record({
        distinct: optional(fc.constantFrom('DISTINCT ', 'ALL ')),
        targets: fc.array(tie('expression'), { minLength: 1, maxLength: 2 }),
        alias: optional(
          fc.constantFrom(' AS margin', ' AS id', ' AS pg_read_file', ' AS regclass', ' AS tenant', ' AS x', ' AS "n"'),
        ),
        from: tie('from'),
        where: optional(tie('expression').map((condition) => ` WHERE (${condition}) IS NOT NULL`)),
        group: fc.oneof(
          { weight: 9, arbitrary: fc.constant('') },
          { weight: 1, arbitrary: fc.constantFrom(' GROUP BY 1', ' GROUP BY 1, 2', ' GROUP BY ROLLUP (1)') },
        ),
        order: optional(tie('expression').map((key) => ` ORDER BY (${key})::text`)),
        end: optional(
          fc.constantFrom(
            ' LIMIT 5',
            ' OFFSET 1',
            ' FETCH FIRST 2 ROWS ONLY',
            ...(hostility > 0 ? [' FOR UPDATE', ' FOR SHARE'] : []),
          ),
        ),
      }) // prettier-ignore
      .map(
        ({ distinct, targets, alias, from, where, group, order, end }) =>
          `SELECT ${distinct}${targets.join(', ')}${alias} FROM ${from}${where}${group}${order}${end}`,
      ),
  })).query;
}

/** Statements of harmless, odd and hostile parts; more than half of them are hostile. */
export function anyStatement(isShared: boolean): Arbitrary<string> {
  const own = isShared ? 'sales s' : 'orders o';
  const fromQueries = (query: Arbitrary<string>): Arbitrary<string> =>
    fc.oneof(
      { weight: 12, arbitrary: query },
      { weight: 2, arbitrary: fc.tuple(query, query).map(([one, other]) => `WITH w AS (${one}) ${other}`) },
      { weight: 2, arbitrary: query.map((query) => `WITH w AS (${query}) SELECT * FROM w, ${own}`) },
      { weight: 1, arbitrary: query.map((query) => `WITH ${own.split(' ')[0]} AS (${query}) TABLE ${own.split(' ')[0]}`) },
      { weight: 1, arbitrary: fc.tuple(query, query).map(([one, other]) => `WITH RECURSIVE w AS (${one}), v AS (${other}) SELECT * FROM w, v`) },
      { weight: 1, arbitrary: fc.tuple(query, query).map(([one, other]) => `(${one}) UNION ALL (${other})`) },
    ); // prettier-ignore
  return fc.oneof(
    { weight: 6, arbitrary: fromQueries(anyQuery(isShared, 0)) },
    { weight: 14, arbitrary: fromQueries(anyQuery(isShared, 25)) },
    { weight: 1, arbitrary: fc.constantFrom(...WHOLE) },
    {
      weight: 1,
      arbitrary: anyQuery(isShared, 0).map((query) => `WITH d AS (DELETE FROM orders RETURNING *) ${query}`),
    },
  );
}
