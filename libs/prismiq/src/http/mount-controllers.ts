import { UseGuards, UseInterceptors, type Type } from '@nestjs/common';
import type { PrismiqControllerName } from '../options/prismiq-options.js';
import type { ResolvedControllersOptions } from '../options/resolve-controllers.js';
import { PrismiqDashboardsController } from './dashboards.controller.js';
import { UndocumentedController } from './prismiq-controller.decorator.js';
import { PrismiqLlmController } from './queries/llm.controller.js';
import { PrismiqQueriesController } from './queries/queries.controller.js';
import { PrismiqSchemaController } from './queries/schema.controller.js';
import { PrismiqSavedQueriesController } from './saved-queries.controller.js';
import { PrismiqWidgetsController } from './widgets.controller.js';

interface Mountable {
  base: abstract new (...dependencies: never[]) => object;
  route: string;
}

const MOUNTABLE: Record<PrismiqControllerName, Mountable> = {
  dashboards: { base: PrismiqDashboardsController, route: 'dashboards' },
  widgets: { base: PrismiqWidgetsController, route: 'dashboards/:dashboardId/widgets' },
  'saved-queries': { base: PrismiqSavedQueriesController, route: 'saved-queries' },
  schema: { base: PrismiqSchemaController, route: '' },
  queries: { base: PrismiqQueriesController, route: 'query' },
  llm: { base: PrismiqLlmController, route: 'llm' },
};

/**
 * Creates the controllers of one registration, as subclasses of their own: path, guards and the rest are metadata of the class, and
 * must not be shared with other registrations and with hosts that extend the base controllers.
 */
export function mountControllers(options: ResolvedControllersOptions, contextName?: string): Type[] {
  const { path, version, guards, interceptors, decorators, include } = options;
  return [...new Set(include)].map((name) => {
    const { base, route } = MOUNTABLE[name];
    const controller = { [base.name]: class extends (base as Type) {} }[base.name]!;
    UndocumentedController({ path: `${path}/${route}`, version }, contextName)(controller);
    // After ours, so that they run inside the tenant's context.
    UseInterceptors(...interceptors)(controller);
    UseGuards(...guards)(controller);
    // Last, so that a host's filter comes before ours.
    decorators.forEach((decorate) => decorate(controller));
    return controller;
  });
}
