import type { z } from 'zod';
import { PrismiqDashboardsController } from '../dashboards.controller.js';
import { dashboardListQuery, listQuery } from '../list-query.js';
import { PrismiqSavedQueriesController } from '../saved-queries.controller.js';
import { PrismiqWidgetsController } from '../widgets.controller.js';
import type { SchemaName } from './schemas.js';

/** What the document says of a route. */
export interface Operation {
  /** The id, from which a generator makes the name of a function. */
  id: string;
  summary: string;
  query?: z.ZodObject;
  body?: SchemaName;
  isBodyOptional?: boolean;
  /** Status and schema of the answer; of some there is none but errors. */
  answer?: readonly [status: number, schema: SchemaName];
  /** Whether the answer has an entity tag. */
  isTagged?: boolean;
  /** Reads may be spared by If-None-Match, writes refused by If-Match. */
  precondition?: 'If-Match' | 'If-None-Match';
  /** What can go wrong, besides what always can. */
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
    summary: 'The dashboards that one may see: all, or a page where anything is asked for',
    query: dashboardListQuery,
    answer: [200, 'DashboardList'],
    errors: [422],
  },
  get: { id: 'getDashboard', summary: 'One dashboard with its widgets', answer: [200, 'Dashboard'], ...READ },
  create: {
    id: 'createDashboard',
    summary: 'A new dashboard, owned by who makes it',
    body: 'CreateDashboard',
    answer: [201, 'Dashboard'],
    ...CREATE,
  },
  import: {
    id: 'importDashboard',
    summary: 'A dashboard from an export, with its name or another one',
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
    summary: 'Moves widgets; ids that are not on the dashboard are passed over',
    body: 'Placements',
    answer: [200, 'Dashboard'],
    ...WRITE,
    errors: [404, 412, 413, 415, 422],
  },
  export: {
    id: 'exportDashboard',
    summary: 'A dashboard without ids, owner, sharing and times, to be carried elsewhere',
    answer: [200, 'DashboardExport'],
    errors: [404],
  },
  duplicate: {
    id: 'duplicateDashboard',
    summary: 'A copy that belongs to who makes it, and is shared with nobody',
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
    summary: 'A copy beside the widget, or below it',
    answer: [201, 'VersionedWidget'],
    isTagged: true,
    precondition: 'If-Match',
    errors: [404, 412, 413],
  },
  execute: {
    id: 'executeWidget',
    summary: 'Runs the query of a widget, which takes a query engine: this server has none',
    errors: [501],
  },
};

const savedQueries: Operations = {
  list: {
    id: 'listSavedQueries',
    summary: 'The saved queries that one may see: all, or a page where anything is asked for',
    query: listQuery,
    answer: [200, 'SavedQueryList'],
    errors: [422],
  },
  get: { id: 'getSavedQuery', summary: 'One saved query', answer: [200, 'SavedQuery'], ...READ },
  create: {
    id: 'createSavedQuery',
    summary: 'A new saved query, owned by who makes it',
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
