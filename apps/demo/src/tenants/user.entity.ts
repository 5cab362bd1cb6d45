import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { Tenant } from './tenant.entity.js';

/**
 * Somebody who works for a tenant. Two tenants may each have an "ada".
 *
 * It declares no schema, as most entities of most applications: Prismiq leaves the EntityManager's schema alone, so that the
 * table is found in `public`, whoever asks.
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
