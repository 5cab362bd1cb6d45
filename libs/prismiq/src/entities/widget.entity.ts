import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { WidgetConfig, WidgetPosition, WidgetType } from '../documents/widget.documents.js';
import type { QueryDefinition } from '../documents/query.documents.js';
import { PrismiqDashboard } from './dashboard.entity.js';
import { timestamps } from './timestamps.js';

/**
 * Entity of `prismiq_widgets`, in the schema of its dashboard; see {@link PrismiqDashboard}. Saving one does not raise the
 * dashboard's version, as {@link WidgetRepository} does.
 *
 * @publicApi
 */
export const PrismiqWidget = defineEntity({
  name: 'PrismiqWidget',
  tableName: 'prismiq_widgets',
  schema: '*',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    dashboard: () =>
      p
        .manyToOne(PrismiqDashboard)
        .joinColumn('dashboard_id')
        .foreignKeyName('prismiq_widgets_dashboard_id_fkey')
        .deleteRule('cascade')
        .updateRule('no action')
        .index('idx_widgets_dashboard_id'),
    type: p.string().$type<WidgetType>().length(50),
    title: p.string().length(255),
    query: p.json().$type<QueryDefinition>().nullable(),
    position: p.json().$type<WidgetPosition>(),
    config: p.json().$type<WidgetConfig>().defaultRaw(`'{}'`),
    ...timestamps,
  },
});

/** A managed widget, as MikroORM loads it. */
export type PrismiqWidget = InferEntity<typeof PrismiqWidget>;
