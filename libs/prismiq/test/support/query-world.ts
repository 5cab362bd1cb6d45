import type { TestDatabase } from '../../../../test/support/test-database.js';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { ensureTables } from '@prismiq/nestjs';

/** The clock of the contract's test vectors. */
export const CLOCK = () => new Date('2024-05-15T10:00:00Z');

/** What a tenant's users may query in most tests. */
export const TABLES = { orders: {}, customers: {} };

/** The tables and rows of the contract's test vectors (query contract 9.1), and tables that nobody may query. */
export async function createQueryTables(database: TestDatabase, schema: string): Promise<void> {
  await suiteGuard.off(() => ensureTables(database.pool, { schema, createSchema: true }));
  await database.query(`
    CREATE TABLE ${schema}.customers (id int PRIMARY KEY, name text NOT NULL, country text);
    CREATE TABLE ${schema}.orders (id int PRIMARY KEY, status text, total numeric(10,2), customer_id int REFERENCES ${schema}.customers,
      placed_at timestamptz NOT NULL, tags text[]);
    CREATE TABLE ${schema}.salaries (id int, secret text);
    INSERT INTO ${schema}.customers VALUES (1, 'Ada', 'DE'), (2, 'Bob', 'US'), (3, 'Cleo', NULL), (4, 'Dan', 'US');
    INSERT INTO ${schema}.orders VALUES
      (1, 'paid', 100, 1, '2024-05-15T08:00:00Z', '{new,vip}'), (2, 'paid', 50.5, 2, '2024-05-14T23:30:00Z', '{}'),
      (3, 'open', 20, 2, '2024-05-09T00:00:00Z', '{new}'), (4, 'open', NULL, 3, '2024-04-30T23:59:59Z', NULL),
      (5, 'refund', -10, NULL, '2024-03-31T12:00:00Z', '{vip}'), (6, NULL, 75.25, 1, '2024-02-29T10:00:00Z', '{a_b}'),
      (7, '50%_off', 0, 3, '2023-12-31T22:30:00Z', '{new}'), (8, 'paid', 200, 2, '2023-05-15T10:00:00Z', NULL);
    INSERT INTO ${schema}.salaries VALUES (1, 'h1dden')`);
}

/** The ids of all orders, in their order. */
export const ORDER_IDS = {
  tables: [{ id: 'o', name: 'orders' }],
  columns: [{ table_id: 'o', column: 'id' }],
  order_by: [{ table_id: 'o', column: 'id' }],
};
