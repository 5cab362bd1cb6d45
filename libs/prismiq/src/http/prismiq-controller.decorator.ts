import {
  applyDecorators,
  Controller,
  Inject,
  UseFilters,
  UseInterceptors,
  type ControllerOptions,
  type Type,
} from '@nestjs/common';
import { getPrismiqToken, getTenantInterceptor } from '../prismiq.decorators.js';
import { EntityTagInterceptor } from './entity-tag.interceptor.js';
import { documentController } from './openapi/document-controller.js';
import { PrismiqExceptionFilter } from './prismiq-exception.filter.js';

/**
 * Makes a controller of one of Prismiq's base controllers: its path, the tenant, entity tags, and the error format of Prismiq's
 * client. For a host that changes a route; import {@link PrismiqModule} where the controller stands. A method that is overridden
 * needs its route decorator again, as everywhere in Nest.
 *
 * On Fastify, apply {@link dropContentTypeOfEmptyBody} to its routes as well.
 *
 * @param path or options, as for `@Controller()`
 * @param contextName of the registration to use
 * @example
 * ```ts
 * @PrismiqController('reports/dashboards')
 * @UseGuards(AuthGuard)
 * export class ReportsController extends PrismiqDashboardsController {
 *   @Get()
 *   override async list() {
 *     return { ...(await super.list()), generated_at: new Date() };
 *   }
 * }
 * ```
 * @publicApi
 */
export const PrismiqController = (path: string | ControllerOptions, contextName?: string): ClassDecorator =>
  applyDecorators(UndocumentedController(typeof path === 'string' ? { path } : path, contextName), (target: object) =>
    documentController(target as Type),
  );

/** As {@link PrismiqController}, for controllers that the module describes, since it knows their ids. */
export const UndocumentedController = (options: ControllerOptions, contextName?: string): ClassDecorator =>
  applyDecorators(
    Controller(options),
    UseInterceptors(getTenantInterceptor(contextName), EntityTagInterceptor),
    UseFilters(PrismiqExceptionFilter),
    (target: object) => injectFrom(target as Type & { repository?: Type }, contextName),
  );

/** The base controllers name their repository by its class, which a named registration does not know it by. */
function injectFrom(controller: Type & { repository?: Type }, contextName: string | undefined): void {
  if (contextName !== undefined && controller.repository !== undefined) {
    Inject(getPrismiqToken<unknown>(controller.repository, contextName))(controller, undefined, 0);
  }
}
