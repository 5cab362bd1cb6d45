/** The tables of section 9.1 of the query contract, in a schema. */
export const contractTables = (schema: string): string => `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.customers (id int PRIMARY KEY, name text NOT NULL, country text);
  CREATE TABLE ${schema}.orders (
    id int PRIMARY KEY, status text, total numeric(10,2), customer_id int REFERENCES ${schema}.customers (id),
    placed_at timestamptz, tags text[]);
  CREATE TABLE ${schema}.prismiq_dashboards (id int);
  CREATE TABLE ${schema}.secrets (id int, total numeric);
  INSERT INTO ${schema}.customers VALUES (1, 'Ada', 'DE'), (2, 'Bob', 'US'), (3, 'Cleo', NULL), (4, 'Dan', 'US');
  INSERT INTO ${schema}.orders VALUES
    (1, 'paid', 100.00, 1, '2024-05-15T08:00:00Z', '{new,vip}'),
    (2, 'paid', 50.50, 2, '2024-05-14T23:30:00Z', '{}'),
    (3, 'open', 20.00, 2, '2024-05-09T00:00:00Z', '{new}'),
    (4, 'open', NULL, 3, '2024-04-30T23:59:59Z', NULL),
    (5, 'refund', -10.00, NULL, '2024-03-31T12:00:00Z', '{vip}'),
    (6, NULL, 75.25, 1, '2024-02-29T10:00:00Z', '{a_b}'),
    (7, '50%_off', 0.00, 3, '2023-12-31T22:30:00Z', '{new}'),
    (8, 'paid', 200.00, 2, '2023-05-15T10:00:00Z', NULL);`;
