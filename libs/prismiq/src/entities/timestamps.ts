import { p, sql } from '@mikro-orm/core';

/** When a row was made and last changed, both by the clock of the database. */
export const timestamps = {
  createdAt: p.datetime().fieldName('created_at').columnType('timestamptz').defaultRaw('now()'),
  updatedAt: p
    .datetime()
    .fieldName('updated_at')
    .columnType('timestamptz')
    .defaultRaw('now()')
    // MikroORM takes an SQL fragment here, though its type does not say so.
    .onUpdate(() => sql.now() as unknown as Date),
};
