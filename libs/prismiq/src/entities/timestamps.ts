import { p, sql } from '@mikro-orm/core';

/** When a row was created and last changed, by the database's clock. */
export const timestamps = {
  createdAt: p.datetime().fieldName('created_at').columnType('timestamptz').defaultRaw('now()'),
  updatedAt: p
    .datetime()
    .fieldName('updated_at')
    .columnType('timestamptz')
    .defaultRaw('now()')
    // MikroORM accepts an SQL fragment here; its type does not say so.
    .onUpdate(() => sql.now() as unknown as Date),
};
