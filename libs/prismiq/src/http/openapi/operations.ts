import type { z } from 'zod';
import { PrismiqDashboardsController } from '../dashboards.controller.js';
import { dashboardListQuery, listQuery } from '../list-query.js';
import { PrismiqLlmController } from '../queries/llm.controller.js';
import { PrismiqQueriesController } from '../queries/queries.controller.js';
import { previewQuery, sampleQuery } from '../queries/query-bodies.js';
import { PrismiqSchemaController } from '../queries/schema.controller.js';
import { PrismiqSavedQueriesController } from '../saved-queries.controller.js';
import { PrismiqWidgetsController } from '../widgets.controller.js';
import type { SchemaName } from './schemas.js';

/** A route in the OpenAPI document. */
export interface Operation {
  /** Generators make the name of a function from it. */
  id: string;
  summary: string;
  query?: z.ZodObject;
  body?: SchemaName;
  isBodyOptional?: boolean;
  /** Status and schema of the success, undefined if the route only has errors. */
  answer?: readonly [status: number, schema: SchemaName];
  /** Whether the answer has an `ETag`. */
  isTagged?: boolean;
  /** The conditional header that the route understands. */
  precondition?: 'If-Match' | 'If-None-Match';
  /** Statuses of errors, besides those that every route has. */
  errors: readonly number[];
}

const READ = { isTagged: true, precondition: 'If-None-Match', errors: [404] } as const;
const CREATE = { isTagged: true, errors: [409, 413, 415, 422] } as const;
const WRITE = { isTagged: true, precondition: 'If-Match', errors: [404, 409, 412, 413, 415, 422] } as const;
const DELETE = { precondition: 'If-Match', answer: [200, 'Success'], errors: [404, 412] } as const;

type Operations = Record<string, Operation>;

const dashboards: Operations = {
  list: {
    id: 'listDashboards',
    summary: 'The dashboards that the caller may see: all, or a page if there is any parameter',
    query: dashboardListQuery,
    answer: [200, 'DashboardList'],
    errors: [422],
  },
  get: { id: 'getDashboard', summary: 'One dashboard with its widgets', answer: [200, 'Dashboard'], ...READ },
  create: {
    id: 'createDashboard',
    summary: 'A new dashboard, owned by the caller',
    body: 'CreateDashboard',
    answer: [201, 'Dashboard'],
    ...CREATE,
  },
  import: {
    id: 'importDashboard',
    summary: 'A new dashboard from an export, under its name or another',
    body: 'ImportDashboard',
    answer: [201, 'Dashboard'],
    ...CREATE,
  },
  update: {
    id: 'updateDashboard',
    summary: 'Changes what the body names; `widgets` is the whole set, matched by id',
    body: 'UpdateDashboard',
    answer: [200, 'Dashboard'],
    ...WRITE,
  },
  delete: { id: 'deleteDashboard', summary: 'Deletes a dashboard and its widgets', ...DELETE },
  updateLayout: {
    id: 'updateLayout',
    summary: 'Moves widgets; ignores ids that are not on the dashboard',
    body: 'Placements',
    answer: [200, 'Dashboard'],
    ...WRITE,
    errors: [404, 412, 413, 415, 422],
  },
  export: {
    id: 'exportDashboard',
    summary: 'A dashboard without ids, owner, sharing and times, for an import elsewhere',
    answer: [200, 'DashboardExport'],
    errors: [404],
  },
  duplicate: {
    id: 'duplicateDashboard',
    summary: 'A copy that the caller owns, shared with nobody',
    body: 'DuplicateDashboard',
    isBodyOptional: true,
    answer: [201, 'Dashboard'],
    isTagged: true,
    errors: [404, 413, 415, 422],
  },
  transfer: {
    id: 'transferDashboard',
    summary: 'Gives a dashboard to another user',
    body: 'TransferDashboard',
    answer: [200, 'Success'],
    precondition: 'If-Match',
    errors: [404, 409, 412, 413, 415, 422],
  },
};

const change = {
  body: 'UpdateWidget',
  answer: [200, 'VersionedWidget'],
  ...WRITE,
  errors: [404, 412, 413, 415, 422],
} as const;

const widgets: Operations = {
  create: {
    id: 'addWidget',
    summary: 'A new widget',
    body: 'CreateWidget',
    answer: [201, 'VersionedWidget'],
    ...WRITE,
    errors: [404, 412, 413, 415, 422],
  },
  replace: { id: 'updateWidget', summary: 'Changes what the body names, and nothing else', ...change },
  update: { id: 'patchWidget', summary: 'The same as PUT', ...change },
  delete: { id: 'deleteWidget', summary: 'Deletes a widget', ...DELETE },
  duplicate: {
    id: 'duplicateWidget',
    summary: 'Copies a widget, to the right of it or below it',
    answer: [201, 'VersionedWidget'],
    isTagged: true,
    precondition: 'If-Match',
    errors: [404, 412, 413],
  },
  execute: {
    id: 'executeWidget',
    summary: 'Runs the query or the SQL of a widget, with the filters of its dashboard',
    body: 'FilterValues',
    isBodyOptional: true,
    answer: [200, 'QueryResult'],
    errors: [404, 413, 415, 422, 501, 504],
  },
};

const savedQueries: Operations = {
  list: {
    id: 'listSavedQueries',
    summary: 'The saved queries that the caller may see: all, or a page if there is any parameter',
    query: listQuery,
    answer: [200, 'SavedQueryList'],
    errors: [422],
  },
  get: { id: 'getSavedQuery', summary: 'One saved query', answer: [200, 'SavedQuery'], ...READ },
  create: {
    id: 'createSavedQuery',
    summary: 'A new saved query, owned by the caller',
    body: 'CreateSavedQuery',
    answer: [201, 'SavedQuery'],
    ...CREATE,
  },
  update: {
    id: 'updateSavedQuery',
    summary: 'Changes what the body names',
    body: 'UpdateSavedQuery',
    answer: [200, 'SavedQuery'],
    ...WRITE,
  },
  delete: { id: 'deleteSavedQuery', summary: 'Deletes a saved query', ...DELETE },
};

const schema: Operations = {
  schema: { id: 'getSchema', summary: 'The tables that the caller may query', answer: [200, 'Schema'], errors: [] },
  enhancedSchema: {
    id: 'getEnhancedSchema',
    summary: 'The same, with display names, descriptions and formats',
    answer: [200, 'EnhancedSchema'],
    errors: [],
  },
  dataSources: {
    id: 'getDataSources',
    summary: 'The tables with their display names',
    answer: [200, 'DataSources'],
    errors: [],
  },
  tables: { id: 'getTables', summary: 'The names of the tables', answer: [200, 'TableNames'], errors: [] },
  table: { id: 'getTable', summary: 'One table with its columns', answer: [200, 'Table'], errors: [404] },
  enhancedTable: {
    id: 'getEnhancedTable',
    summary: 'The same, with display names, descriptions and formats',
    answer: [200, 'EnhancedTable'],
    errors: [404],
  },
  sample: {
    id: 'getColumnSample',
    summary: 'Distinct values of a column, in their order',
    query: sampleQuery,
    answer: [200, 'ColumnSample'],
    errors: [404, 422, 504],
  },
};

const RUN = { answer: [200, 'QueryResult'], errors: [413, 415, 422, 504] } as const;
const CHECK = { body: 'QueryInBody', errors: [413, 415, 422] } as const;

const queries: Operations = {
  execute: { id: 'executeQuery', summary: 'Runs a query', body: 'ExecuteQuery', ...RUN },
  preview: { id: 'previewQuery', summary: 'Its first rows', body: 'PreviewQuery', query: previewQuery, ...RUN },
  sql: { id: 'generateSql', summary: 'The statement that a query would run', answer: [200, 'GeneratedSql'], ...CHECK },
  validate: { id: 'validateQuery', summary: 'What is wrong with a query', answer: [200, 'Validation'], ...CHECK },
  validateDetailed: {
    id: 'validateQueryDetailed',
    summary: 'The same, with codes, places and suggestions',
    answer: [200, 'DetailedValidation'],
    ...CHECK,
  },
  executeTimeSeries: {
    id: 'executeTimeSeries',
    summary: 'Runs a query by periods of a date column',
    body: 'ExecuteTimeSeries',
    ...RUN,
  },
  validateSql: {
    id: 'validateSql',
    summary: 'What is wrong with an SQL text',
    body: 'ValidateSql',
    answer: [200, 'SqlValidation'],
    errors: [413, 415, 422],
  },
  executeSql: { id: 'executeSql', summary: 'Runs an SQL text, if SQL mode is on', body: 'ExecuteSql', ...RUN },
};

const llm: Operations = {
  status: { id: 'getLlmStatus', summary: 'There is no language model', answer: [200, 'LlmStatus'], errors: [] },
  chat: { id: 'chatWithLlm', summary: 'Always refused', errors: [] },
};

/** By the base controller and the name of its method. */
export const OPERATIONS = new Map<unknown, Operations>([
  [PrismiqDashboardsController, dashboards],
  [PrismiqWidgetsController, widgets],
  [PrismiqSavedQueriesController, savedQueries],
  [PrismiqSchemaController, schema],
  [PrismiqQueriesController, queries],
  [PrismiqLlmController, llm],
]);
