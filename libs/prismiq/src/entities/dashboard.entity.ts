import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { DashboardFilter, DashboardLayout } from '../documents/dashboard.documents.js';
import { timestamps } from './timestamps.js';

/**
 * Entity of `prismiq_dashboards`. Its schema is the wildcard `*`: a query must say in which tenant's schema it runs, with
 * `{ schema }`. Names and defaults are those of the DDL, so that a migration that MikroORM generates makes the same tables.
 *
 * @publicApi
 */
export const PrismiqDashboard = defineEntity({
  name: 'PrismiqDashboard',
  tableName: 'prismiq_dashboards',
  schema: '*',
  uniques: [{ name: 'unique_dashboard_name_per_tenant', properties: ['tenantId', 'name'] }],
  indexes: [
    { name: 'idx_dashboards_tenant_id', properties: ['tenantId'] },
    { name: 'idx_dashboards_owner_id', properties: ['tenantId', 'ownerId'] },
    {
      name: 'idx_dashboards_tenant_updated_at',
      properties: ['tenantId', 'updatedAt', 'id'],
      columns: [{ name: 'tenantId' }, { name: 'updatedAt', sort: 'desc' }, { name: 'id' }],
    },
  ],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    tenantId: p.string().length(255).fieldName('tenant_id'),
    name: p.string().length(255),
    description: p.text().nullable(),
    layout: p.json().$type<DashboardLayout>().defaultRaw(`'{"columns": 12, "rowHeight": 50, "margin": [10, 10]}'`),
    filters: p.json().$type<DashboardFilter[]>().defaultRaw(`'[]'`),
    ownerId: p.string().length(255).fieldName('owner_id').nullable(),
    isPublic: p.boolean().fieldName('is_public').default(false),
    allowedViewers: p.array().fieldName('allowed_viewers').$type<string[]>().defaultRaw(`'{}'`),
    ...timestamps,
    version: p.integer().version().default(1),
  },
});

/** A managed dashboard, as MikroORM loads it. */
export type PrismiqDashboard = InferEntity<typeof PrismiqDashboard>;
