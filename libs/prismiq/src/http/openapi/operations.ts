import type { z } from 'zod';
import { PrismiqDashboardsController } from '../dashboards.controller.js';
import { dashboardListQuery, listQuery } from '../list-query.js';
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
    summary: 'Runs the query of a widget. Needs a query engine, which this server does not have',
    errors: [501],
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

/** By the base controller and the name of its method. */
export const OPERATIONS = new Map<unknown, Operations>([
  [PrismiqDashboardsController, dashboards],
  [PrismiqWidgetsController, widgets],
  [PrismiqSavedQueriesController, savedQueries],
]);
