import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { QueryDefinition } from '../documents/query.documents.js';
import { timestamps } from './timestamps.js';

/**
 * Entity of `prismiq_saved_queries`; its schema is the wildcard `*`, see {@link PrismiqDashboard}.
 *
 * @publicApi
 */
export const PrismiqSavedQuery = defineEntity({
  name: 'PrismiqSavedQuery',
  tableName: 'prismiq_saved_queries',
  schema: '*',
  uniques: [{ name: 'unique_query_name_per_tenant', properties: ['tenantId', 'name'] }],
  indexes: [{ name: 'idx_saved_queries_tenant', properties: ['tenantId'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    tenantId: p.string().length(255).fieldName('tenant_id'),
    name: p.string().length(255),
    description: p.text().nullable(),
    query: p.json().$type<QueryDefinition>(),
    ownerId: p.string().length(255).fieldName('owner_id').nullable(),
    isShared: p.boolean().fieldName('is_shared').default(false),
    ...timestamps,
    version: p.integer().version().default(1),
  },
});

/** A managed saved query, as MikroORM loads it. */
export type PrismiqSavedQuery = InferEntity<typeof PrismiqSavedQuery>;
