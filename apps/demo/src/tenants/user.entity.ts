import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { Tenant } from './tenant.entity.js';

/**
 * A person who works for a tenant. Two tenants may each have an "ada".
 *
 * The entity declares no schema, like most entities of most applications. Prismiq leaves the EntityManager's schema alone, so
 * MikroORM finds the table in `public` for every tenant.
 */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    tenant: () => p.manyToOne(Tenant).primary().joinColumn('tenant_id'),
    name: p.string().length(40).primary(),
    isAdmin: p.boolean().default(false),
  },
});

export type User = InferEntity<typeof User>;
