/**
 * The application's table in a tenant's schema.
 *
 * @param schema made of letters, digits and underscores
 */
export const ordersTable = (schema: string): string => `
  CREATE TABLE "${schema}".orders (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number varchar(40) NOT NULL UNIQUE,
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
