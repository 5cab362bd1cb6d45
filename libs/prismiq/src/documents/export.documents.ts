import { z } from 'zod';
import {
  createDashboard,
  type DashboardFilter,
  type DashboardLayout,
  type DashboardLayoutInput,
} from './dashboard.documents.js';
import type { WidgetConfig, DashboardWidgetInput, WidgetPosition, WidgetType } from './widget.documents.js';
import type { QueryDefinition } from './query.documents.js';

/** A dashboard to be imported elsewhere (wire contract 4), without ids, owner, sharing and times. @publicApi */
export interface DashboardExport {
  version: '1.0';
  name: string;
  description: string | null;
  layout: DashboardLayout;
  widgets: {
    type: WidgetType;
    title: string;
    query: QueryDefinition | null;
    position: WidgetPosition;
    config: WidgetConfig;
  }[];
  filters: DashboardFilter[];
}

/** An export as {@link DashboardRepository.import} takes it. @publicApi */
export interface DashboardExportInput {
  version: string;
  name: string;
  description?: string | null | undefined;
  layout?: DashboardLayoutInput | null | undefined;
  widgets?: Omit<DashboardWidgetInput, 'id'>[] | null | undefined;
  filters?: DashboardFilter[] | null | undefined;
}

/** Ids are not part of an export; those that it contains all the same are ignored. */
export const dashboardExport = createDashboard
  .pick({ name: true, description: true, layout: true, filters: true, widgets: true })
  .extend({ version: z.literal('1.0', 'must be "1.0", the only format there is') })
  .transform(({ version: _, widgets, ...dashboard }) => ({
    ...dashboard,
    widgets: widgets?.map(({ id: __, ...widget }) => widget),
  }));
