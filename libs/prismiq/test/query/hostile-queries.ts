import type { QueryDefinition } from '@prismiq/nestjs';
import type { Choices } from '../support/fuzz.js';

/** In each value of a column or table that is hidden. */
export const HIDDEN = 'h1dden';

const INJECTIONS = [
  'id" , (select secret from salaries) as "x', `x'; DROP TABLE orders; --`, 'id) FROM salaries --', '$1', '\\', '"', "'", '`', '\u0000', '\ud800',
  "' OR '1'='1", 'id::text', '(select 1)', 'orders.id', 'x'.repeat(70), '__proto__', 'constructor', 'ORDERS', 'Ünïcode', 'k1', 't1',
]; // prettier-ignore

const TABLES = ['orders', 'orders', 'orders', 'customers', 'customers'];
const OTHER_TABLES = [
  'salaries', 'prismiq_dashboards', 'prismiq_widgets', 'prismiq_migrations', 'pg_class', 'pg_catalog.pg_class', 'information_schema.tables',
  'tenant_t01.orders', 'public.orders', '"orders"', 'everybody.orders', 'pg_temp.orders', '',
]; // prettier-ignore

const COLUMNS = ['id', 'note', 'total', 'customer_id', 'placed_at', 'tags', 'name', 'details', 'paid', 'mood'];
const OTHER_COLUMNS = ['secret', 'tenant_id', 'ctid', 'xmin', 'tableoid', 'nope', '*', '', 'orders'];

const OPERATORS = [
  'eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in_', 'not_in', 'in_or_null', 'like', 'ilike', 'not_like', 'not_ilike', 'between', 'is_null',
  'is_not_null', 'date_relative', 'not_date_relative', 'date_window', 'in_subquery', 'eq; drop',
]; // prettier-ignore

const VALUES: unknown[] = [
  null, 0, 1, -1, 1.5, 1e308, true, '', '1', 'a', '%', '\\', '50%', 'x'.repeat(3000), [], [1], [1, null], ['a', "'"], [null], [1, 2, 3], { a: 1 },
  '2024-05-01', '2024-05', 'Q2 2024', '2024-13-45', '2024-05-01T12:00:00Z', ['2024-01-01', '2024-12-31'], ['2024-01-01', null], -30, 30, 99_999,
  { period: 'quarterly', value: -1 }, { period: 'x' }, `' UNION SELECT secret FROM salaries --`, "E'\\x'", '{1,2}', 'NaN', '1e999', [[1]],
  '00000000-0000-0000-0000-000000000000', { sql: 'select secret from salaries' }, 9_007_199_254_740_993n.toString(), '\u0000',
]; // prettier-ignore

const EXPRESSIONS = [
  '[total] * 2', '[id] / 0', 'if([total] > 1, "a", "b")', 'sum([total])', '[Sum of total]', 'concatenate([note], "x")', 'year([placed_at])',
  'datediff([placed_at], today())', '[secret]', '[orders.secret]', '[salaries.secret]', 'pg_sleep(10)', 'query_to_xml("select secret from salaries")',
  '[id" , (select secret from salaries) as "y]', `'x'`, '((((1))))', `${'('.repeat(60)}1${')'.repeat(60)}`, '[f1]', '[f0] + 1', '', '[', '1 +', '[*]',
  'current_setting("x")', 'sum(sum([total]))', 'find("a", [note])', '-[total]', '[note] == "a"', '[placed_at] > "2024-01-01"', '[tenant_id]',
]; // prettier-ignore

/** Texts that must be refused, or show nothing but the tenant's own rows. */
const TEXTS = [
  'SELECT * FROM orders', 'SELECT note, total FROM orders o WHERE id > 1', 'WITH x AS (SELECT * FROM customers) SELECT * FROM x, orders LIMIT 5',
  'SELECT secret FROM orders', 'SELECT * FROM salaries', 'SELECT o.secret FROM orders AS o', 'SELECT * FROM tenant_t01.orders', 'TABLE orders', 'TABLE salaries',
  'SELECT * FROM prismiq_dashboards', 'SELECT * FROM pg_class', 'SELECT * FROM pg_catalog.pg_stat_activity', 'SELECT * FROM everybody.orders',
  `SELECT query_to_xml('select secret from salaries', true, false, '')`, `SELECT set_config('search_path', 'tenant_t01', false)`,
  `SELECT set_config('role', 'x', false)`, 'SELECT pg_sleep(10)', 'SELECT pg_advisory_lock(1)', `SELECT nextval('s')`, 'SELECT current_user', 'SELECT version()',
  'DELETE FROM orders', 'WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d', 'SELECT * FROM orders FOR UPDATE', 'SELECT * INTO n FROM orders',
  'SELECT 1; DELETE FROM orders', 'SELECT orders FROM orders', 'SELECT o.* FROM orders o, salaries s', 'SELECT (SELECT secret FROM salaries LIMIT 1)',
  'SELECT ctid, tableoid::regclass FROM orders', `SELECT 'salaries'::regclass`, 'SELECT to_jsonb(o) FROM orders o', 'SELECT row_to_json(o) FROM orders o',
  'SELECT * FROM (VALUES (1)) AS v', 'SELECT * FROM orders NATURAL JOIN customers', 'SELECT $1', 'SELECT :x', 'COPY orders TO STDOUT', 'EXPLAIN SELECT 1',
  'SELECT * FROM ONLY orders', 'SELECT * FROM orders TABLESAMPLE SYSTEM (100)', 'SELECT * FROM orders UNION SELECT * FROM orders', 'SELECT 1 / 0', 'SELECT',
  'SELECT * FROM orders AS o (a, b, c)', 'SELECT note AS "x\'y" FROM "orders"', `SELECT * FROM dblink('', '') AS d (x text)`, 'SELECT * FROM generate_series(1, 1e12::int)',
]; // prettier-ignore

const tableName = (choices: Choices): string =>
  choices.chance(0.9) ? choices.of(TABLES) : choices.of([...OTHER_TABLES, ...INJECTIONS]);

const columnName = (choices: Choices): string =>
  choices.chance(0.85) ? choices.of(COLUMNS) : choices.of([...OTHER_COLUMNS, ...INJECTIONS, 'f0', 'f1']);

const name = (choices: Choices): string | undefined =>
  choices.chance(0.7) ? undefined : choices.of([...INJECTIONS, 'n', 'id']);

const some = <T>(choices: Choices, chance: number, most: number, make: () => T): T[] =>
  choices.chance(chance) ? Array.from({ length: 1 + choices.below(most) }, make) : [];

/** A query of which most parts are right, so that it comes far, and some are hostile. */
export function hostileQuery(choices: Choices): QueryDefinition {
  const tables = Array.from({ length: 1 + choices.below(3) }, (_, index) => ({
    id: choices.chance(0.95) ? `t${index}` : choices.of(INJECTIONS),
    name: tableName(choices),
    alias: name(choices),
  }));
  const reference = () => ({ table_id: choices.of(tables).id, column: columnName(choices) });
  return {
    tables,
    columns: Array.from({ length: 1 + choices.below(3) }, () => ({
      ...reference(),
      aggregation: choices.of(['none', 'none', undefined, 'sum', 'avg', 'count', 'count_distinct', 'min', 'max']),
      alias: name(choices),
      date_trunc: choices.chance(0.1) ? choices.of(['day', 'month', "day', now()), (", 'decade']) : undefined,
    })) as QueryDefinition['columns'],
    joins: some(choices, tables.length > 1 ? 0.9 : 0.1, 2, () => ({
      from_table_id: choices.of(tables).id,
      from_column: choices.chance(0.8) ? 'customer_id' : columnName(choices),
      to_table_id: choices.of(tables).id,
      to_column: choices.chance(0.8) ? 'id' : columnName(choices),
      join_type: choices.of(['INNER', 'LEFT', 'RIGHT', 'FULL', undefined]),
    })) as NonNullable<QueryDefinition['joins']>,
    filters: some(choices, 0.5, 3, () => ({
      ...reference(),
      operator: choices.of(OPERATORS),
      value: choices.of(VALUES),
    })) as NonNullable<QueryDefinition['filters']>,
    group_by: some(choices, 0.2, 2, reference),
    order_by: some(choices, 0.3, 2, () => ({
      ...reference(),
      direction: choices.of(['ASC', 'DESC', undefined] as const),
    })),
    limit: choices.of([undefined, 0, 1, 50, 1_000_000, -1]),
    offset: choices.chance(0.1) ? choices.below(20) : undefined,
    calculated_fields: some(choices, 0.3, 2, () => ({
      name: `f${choices.below(2)}`,
      expression: choices.of(EXPRESSIONS),
    })),
    time_series: choices.chance(0.1)
      ? {
          table_id: choices.of(tables).id,
          date_column: choices.chance(0.8) ? 'placed_at' : columnName(choices),
          interval: choices.of(['month', 'year', 'x']),
          fill_missing: choices.chance(0.5),
          alias: name(choices),
        }
      : undefined,
  };
}

export const hostileSql = (choices: Choices): string => choices.of(TEXTS);

export const hostileNames = (choices: Choices): [table: string, column: string] => [
  choices.chance(0.7) ? choices.of(TABLES) : choices.of([...OTHER_TABLES, ...INJECTIONS]),
  choices.chance(0.7) ? choices.of(COLUMNS) : choices.of([...OTHER_COLUMNS, ...INJECTIONS]),
];

/** A value of a dashboard's filter. */
export const hostileValue = (choices: Choices): unknown => choices.of(VALUES);
