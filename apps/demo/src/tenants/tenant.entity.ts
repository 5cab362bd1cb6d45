import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/** A company that uses the application. Its data are in a schema of its own, see {@link tenantSchema}. */
export const Tenant = defineEntity({
  name: 'Tenant',
  tableName: 'tenants',
  schema: 'public',
  properties: {
    id: p.string().length(40).primary(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
});

export type Tenant = InferEntity<typeof Tenant>;
