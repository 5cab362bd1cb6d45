import { UseGuards, type Type } from '@nestjs/common';
import type { ResolvedControllersOptions } from '../options/resolve-options.js';
import { PrismiqDashboardsController } from './dashboards.controller.js';
import { PrismiqController } from './prismiq-controller.decorator.js';
import { PrismiqSavedQueriesController } from './saved-queries.controller.js';
import { PrismiqWidgetsController } from './widgets.controller.js';

/**
 * The controllers of one registration, as subclasses made for it: path, guards and the rest are metadata of the class, and
 * would otherwise be shared by all registrations, and by hosts that subclass the controllers themselves.
 */
export function mountControllers({ path, guards }: ResolvedControllersOptions, contextName?: string): Type[] {
  const mount = (base: abstract new (...dependencies: never[]) => object, route: string): Type => {
    const controller = { [base.name]: class extends (base as Type) {} }[base.name]!;
    PrismiqController(`${path}/${route}`, contextName)(controller);
    if (guards.length > 0) {
      UseGuards(...guards)(controller);
    }
    return controller;
  };
  return [
    mount(PrismiqDashboardsController, 'dashboards'),
    mount(PrismiqWidgetsController, 'dashboards/:dashboardId/widgets'),
    mount(PrismiqSavedQueriesController, 'saved-queries'),
  ];
}
