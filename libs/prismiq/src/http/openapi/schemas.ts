import { z } from 'zod';
import {
  createDashboard,
  dashboardFilter,
  dashboardLayout,
  layoutMembers,
  updateDashboard,
} from '../../documents/dashboard.documents.js';
import { dashboardExport } from '../../documents/export.documents.js';
import { queryDefinition } from '../../documents/query.documents.js';
import { createSavedQuery, updateSavedQuery } from '../../documents/saved-query.documents.js';
import {
  createWidget,
  placement,
  updateWidget,
  WIDGET_TYPES,
  widgetConfig,
  dashboardWidgetInput,
  widgetPosition,
} from '../../documents/widget.documents.js';
import { duplicateBody, importOptionsBody, transferBody } from '../bodies.js';
import {
  executeBody,
  executeSqlBody,
  filterValues,
  previewBody,
  timeSeriesBody,
  validateSqlBody,
} from '../queries/query-bodies.js';
import * as queries from './query-schemas.js';

const id = z.uuid();
const version = z.int().min(1).describe('Increases by one with each change. Same as the entity tag.');
const times = { created_at: z.iso.datetime(), updated_at: z.iso.datetime() };
const layout = z.object(layoutMembers);
const invalid = (...members: [string, ...string[]]) =>
  z.array(z.enum(members)).optional().describe('Members whose stored documents are not valid.');

const widget = z.object({
  id,
  type: z.enum(WIDGET_TYPES),
  title: z.string(),
  query: queryDefinition.nullable(),
  position: widgetPosition,
  config: widgetConfig,
  ...times,
  invalid: invalid('type', 'query', 'position', 'config'),
});

const summary = z.object({
  id,
  name: z.string(),
  description: z.string().nullable(),
  owner_id: z.string().nullable(),
  is_public: z.boolean(),
  allowed_viewers: z.array(z.string()),
  version,
  ...times,
});

const dashboard = summary.extend({
  layout,
  filters: z.array(dashboardFilter),
  widgets: z.array(widget),
  invalid: invalid('layout', 'filters'),
});

const savedQuery = z.object({
  id,
  name: z.string(),
  description: z.string().nullable(),
  query: queryDefinition,
  tenant_id: z.string(),
  owner_id: z.string().nullable(),
  is_shared: z.boolean(),
  version,
  ...times,
});

const page = {
  next_cursor: z
    .string()
    .nullable()
    .optional()
    .describe('Pass it as `cursor` to get the next page. Absent from a complete list.'),
  total: z.int().optional(),
};

const fault = z.object({
  type: z.string(),
  loc: z.array(z.union([z.string(), z.int()])),
  msg: z.string(),
  input: z.unknown(),
});

const error = z.object({
  detail: z.string(),
  code: z.string().optional().describe('Stable, for programs.'),
  request_id: z.string().optional().describe('Identifies a fault of the server in its log.'),
});

const exported = z.object({
  version: z.literal('1.0'),
  name: z.string(),
  description: z.string().nullable(),
  layout,
  widgets: z.array(widget.pick({ type: true, title: true, query: true, position: true, config: true })),
  filters: z.array(dashboardFilter),
});

const summaries = z.array(summary.extend({ widget_count: z.int() }));

/**
 * The schemas of the document. Those that check input have the names that the repositories use, in camelCase, for columns; all
 * other names are those of the wire.
 */
export const SCHEMAS = {
  Layout: layout,
  LayoutInput: dashboardLayout,
  Filter: dashboardFilter,
  Query: queryDefinition,
  Position: widgetPosition,
  WidgetConfig: widgetConfig,
  Widget: widget,
  VersionedWidget: widget.extend({ dashboard_version: version }),
  DashboardWidgetInput: dashboardWidgetInput,
  CreateWidget: createWidget,
  UpdateWidget: updateWidget,
  Placement: placement,
  Placements: z.array(placement),
  Dashboard: dashboard,
  DashboardList: z.object({ dashboards: z.union([z.array(dashboard), summaries]), ...page }),
  CreateDashboard: createDashboard,
  UpdateDashboard: updateDashboard.extend({ version: version.nullish() }),
  DuplicateDashboard: duplicateBody,
  TransferDashboard: transferBody,
  DashboardExport: exported,
  DashboardExportInput: dashboardExport,
  ImportDashboard: z.union([importOptionsBody.extend({ export_data: dashboardExport }), dashboardExport]),
  SavedQuery: savedQuery,
  SavedQueryList: z.object({ queries: z.array(savedQuery), ...page }),
  CreateSavedQuery: createSavedQuery,
  UpdateSavedQuery: updateSavedQuery.extend({ version: version.nullish() }),
  FilterValues: filterValues,
  ExecuteQuery: z.union([executeBody, queryDefinition]),
  PreviewQuery: z.union([previewBody, queryDefinition]),
  QueryInBody: z.union([executeBody, queryDefinition]),
  ExecuteTimeSeries: timeSeriesBody,
  ValidateSql: validateSqlBody,
  ExecuteSql: executeSqlBody,
  QueryResult: queries.queryResult,
  Schema: queries.schema,
  EnhancedSchema: queries.enhancedSchema,
  Table: queries.table,
  EnhancedTable: queries.enhancedTable,
  TableNames: z.array(z.string()),
  DataSources: queries.dataSources,
  ColumnSample: queries.columnSample,
  GeneratedSql: queries.generatedSql,
  Validation: queries.validation,
  DetailedValidation: queries.detailedValidation,
  SqlValidation: queries.sqlValidation,
  LlmStatus: z.object({ enabled: z.literal(false) }),
  Success: z.object({ success: z.literal(true), message: z.string() }),
  Error: error,
  StaleError: error.extend({ current_version: z.int().optional() }),
  InvalidError: error.extend({ detail: z.array(fault) }),
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;
