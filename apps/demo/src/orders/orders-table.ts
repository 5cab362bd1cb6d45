/**
 * The application's tables in a tenant's schema.
 *
 * @param schema made of letters, digits and underscores
 */
export const ordersTables = (schema: string): string => `
  CREATE TABLE "${schema}".customers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(200) NOT NULL UNIQUE,
    region varchar(40) NOT NULL,
    segment varchar(40) NOT NULL,
    since date NOT NULL
  );
  CREATE TABLE "${schema}".orders (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number varchar(40) NOT NULL UNIQUE,
    customer_id integer REFERENCES "${schema}".customers,
    customer varchar(200) NOT NULL,
    region varchar(40) NOT NULL,
    status varchar(20) NOT NULL,
    amount numeric(12, 2) NOT NULL,
    currency char(3) NOT NULL,
    batch varchar(100),
    ordered_at timestamptz NOT NULL
  );
  CREATE INDEX ON "${schema}".orders (ordered_at DESC, id DESC);
`;
