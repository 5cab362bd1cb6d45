import type { PoolClient } from 'pg';
import type { SqlFragment } from '../../src/sql/fragment.js';
import { InvalidQueryError } from '../../src/errors/query.errors.js';
import type { RowRule } from '../../src/query/options/row-filter.js';
import type { ColumnType, VisibleColumn, VisibleSchema } from '../../src/query/visible-schema/visible-schema.js';
import { SqlModeQuery, type CompiledSql } from '../../src/query/sql-mode/sql-mode-query.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';

/** In each text of a row that tenant_a must not see. */
export const FOREIGN = 'f0reign';
/** In each value of a column or table that is hidden. */
export const HIDDEN = 'h1dden';

const TABLES = `
  CREATE TABLE "%s".customers (id int, name text, country text, card text DEFAULT '${HIDDEN}');
  CREATE TABLE "%s".orders (id int, status text, total numeric(10,2), customer_id int, placed_at timestamptz, tags text[],
    details jsonb, margin text DEFAULT '${HIDDEN}');
  CREATE TABLE "%s"."Order Items" ("Order" int, "Unit Price" numeric, "Größe" text, upper text, "select" int, cost text DEFAULT '${HIDDEN}');
  CREATE TABLE "%s".salaries (id int, note text DEFAULT '${HIDDEN}');
  CREATE TABLE "%s".prismiq_dashboards (id int, name text DEFAULT '${HIDDEN}');
  CREATE SEQUENCE "%s".counter;
  CREATE FUNCTION "%s".own(x int) RETURNS int LANGUAGE sql AS 'SELECT x + 1';`;

const ROWS = `
  INSERT INTO "%s".customers VALUES (1, 'Ada%m', 'DE'), (2, 'Bob%m', 'US'), (3, 'Cleo%m', NULL), (4, 'Dan%m', 'US');
  INSERT INTO "%s".orders VALUES
    (1, 'paid%m', 100, 1, '2024-05-15T08:00:00Z', '{new%m,vip%m}', '{"a": {"b": [1, "x%m"]}}'), (2, 'paid%m', 50.5, 2, '2024-05-14T23:30:00Z', '{}', '{"a": 2}'),
    (3, 'open%m', 20, 2, '2024-05-09T00:00:00Z', '{new%m}', '[1, 2]'), (4, 'open%m', NULL, 3, '2024-04-30T23:59:59Z', NULL, NULL),
    (5, 'refund%m', -10, NULL, '2024-03-31T12:00:00Z', '{vip%m}', '{}'), (6, NULL, 75.25, 1, '2024-02-29T10:00:00Z', '{a_b%m}', '1'),
    (7, '50%_off%m', 0, 3, '2023-12-31T22:30:00Z', '{new%m}', '"x%m"'), (8, 'paid%m', 200, 2, '2023-05-15T10:00:00Z', NULL, '{"é": "ü%m"}');
  INSERT INTO "%s"."Order Items" VALUES (1, 9.99, 'groß%m', 'up%m', 7), (2, 5, 'klein%m', 'up%m', 8);
  INSERT INTO "%s".salaries VALUES (1); INSERT INTO "%s".prismiq_dashboards VALUES (1);`;

export const VISIBLE: Readonly<Record<string, readonly string[]>> = {
  customers: ['id', 'name', 'country'],
  orders: ['id', 'status', 'total', 'customer_id', 'placed_at', 'tags', 'details'],
  'Order Items': ['Order', 'Unit Price', 'Größe', 'upper', 'select'],
};

/** Two tenants with a schema each, and one table that they share. */
export async function createWorld(database: TestDatabase): Promise<void> {
  for (const [schema, mark] of [
    ['tenant_a', ''],
    ['tenant_b', FOREIGN],
  ] as const) {
    const fill = (text: string): string => text.replaceAll('%s', schema).replaceAll('%m', mark);
    await database.query(`CREATE SCHEMA ${schema}; ${fill(TABLES)} ${fill(ROWS)}`);
  }
  await database.query(`
    CREATE SCHEMA shared; CREATE TABLE shared.sales (id int, tenant text, amount int, note text);
    INSERT INTO shared.sales
    SELECT n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END, n % 2 - 1, CASE WHEN n % 2 = 0 THEN 'ours' ELSE '${FOREIGN}' END
    FROM generate_series(1, 20) n; ANALYZE shared.sales`);
}

/** The same, but there are views of what tenant_a may see in place of the tables. */
export async function createViews(database: TestDatabase): Promise<void> {
  await createWorld(database);
  await database.query('CREATE SCHEMA hidden; ALTER TABLE shared.sales SET SCHEMA hidden');
  await database.query(
    `CREATE VIEW shared.sales AS SELECT id, amount, note FROM hidden.sales WHERE tenant = 'a' OFFSET 0`,
  );
  for (const [table, columns] of Object.entries(VISIBLE)) {
    await database.query(`
      ALTER TABLE tenant_a."${table}" SET SCHEMA hidden;
      CREATE VIEW tenant_a."${table}" AS SELECT ${columns.map((column) => `"${column}"`).join(', ')} FROM hidden."${table}"`);
  }
}

const toColumn = (name: string, type: ColumnType = TEXT): VisibleColumn => ({
  name,
  dataType: type.name,
  type,
  isNullable: true,
  isPrimaryKey: false,
  displayName: null,
  description: null,
  format: null,
  dateFormat: null,
});

const TEXT: ColumnType = { kind: 'text', name: 'text', schema: 'pg_catalog', isSortable: true };
const INTEGER: ColumnType = { kind: 'integer', name: 'int4', schema: 'pg_catalog', isSortable: true };
const INTEGERS = ['id', 'amount'];

/** A schema with some tables and columns. */
export const toSchema = (schema: string, tables: Readonly<Record<string, readonly string[]>>): VisibleSchema => ({
  schema,
  version: '1',
  tables: new Map(
    Object.entries(tables).map(([name, columns]) => [
      name,
      {
        name,
        kind: 'table',
        displayName: null,
        description: null,
        columns: new Map(
          columns.map((column) => [column, toColumn(column, INTEGERS.includes(column) ? INTEGER : TEXT)]),
        ),
      },
    ]),
  ),
  relationships: [],
  rowCounts: new Map(),
});

export const TENANT_A = toSchema('tenant_a', VISIBLE);
export const SHARED = toSchema('shared', { sales: ['id', 'amount', 'note'] });

export interface CompileOptions {
  /** `null`: not known. */
  readonly params?: Readonly<Record<string, unknown>> | null;
  readonly schema?: VisibleSchema;
  readonly functions?: readonly string[];
  readonly rowRule?: RowRule;
  readonly conditions?: Readonly<Record<string, readonly SqlFragment[]>>;
  readonly maximumRows?: number;
}

/** @returns the messages where the text is refused */
export function compile(
  sql: string,
  options: CompileOptions = {},
): (CompiledSql & { readonly tables: readonly string[] }) | string[] {
  const {
    params = {},
    schema = TENANT_A,
    functions = [],
    rowRule = true,
    conditions = {},
    maximumRows = 10_000,
  } = options;
  try {
    const query = new SqlModeQuery({ sql, params: params ?? undefined, schema, functions: new Set(functions) });
    const rowRules = new Map(query.tables.map((table) => [table, rowRule]));
    return {
      ...query.compile({ rowRules, conditions: new Map(Object.entries(conditions)), maximumRows }),
      tables: query.tables,
    };
  } catch (error) {
    if (error instanceof InvalidQueryError) {
      return error.issues.map(({ message }) => message);
    }
    throw error;
  }
}

export function accepted(
  sql: string,
  options: CompileOptions = {},
): CompiledSql & { readonly tables: readonly string[] } {
  const result = compile(sql, options);
  if (Array.isArray(result)) {
    throw new Error(`refused: ${result.join('; ')}`);
  }
  return result;
}

/** Runs something as queries are run: in a transaction that only reads. */
export async function readOnly<T>(
  database: TestDatabase,
  searchPath: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await database.pool.connect();
  try {
    await client.query(
      `BEGIN READ ONLY; SET LOCAL search_path = ${searchPath}; SET LOCAL statement_timeout = '1s'; SET LOCAL TimeZone = 'UTC'`,
    );
    return await work(client);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const asText = { getTypeParser: () => (text: string) => text } as never;

export interface TextRows {
  readonly columns: readonly string[];
  readonly rows: readonly (string | null)[][];
}

/** The rows of a statement, every value as text. */
export async function readRows(client: PoolClient, text: string, values: readonly unknown[]): Promise<TextRows> {
  const { fields, rows } = await client.query({ text, values: [...values], rowMode: 'array', types: asText });
  return { columns: fields.map(({ name }) => name), rows };
}
