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
import { documentLater } from './openapi/document-controllers.js';
import { PrismiqExceptionFilter } from './prismiq-exception.filter.js';

/**
 * Turns a subclass of one of Prismiq's base controllers into a controller, with its path, the tenant's context, entity tags, and the
 * error format of Prismiq's client. For a host that changes a route. The module of the controller must import {@link PrismiqModule}.
 * An overridden method needs its route decorator again, as everywhere in Nest.
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
    documentLater(target as Type),
  );

/** As {@link PrismiqController}, for controllers that PrismiqModule mounts and documents. */
export const UndocumentedController = (options: ControllerOptions, contextName?: string): ClassDecorator =>
  applyDecorators(
    Controller(options),
    UseInterceptors(getTenantInterceptor(contextName), EntityTagInterceptor),
    UseFilters(PrismiqExceptionFilter),
    (target: object) => injectFrom(target as BaseController, contextName),
  );

interface BaseController extends Type {
  /** What the constructor takes. */
  repository?: Type;
  /** What its properties are. */
  properties?: Record<string, Type>;
}

/** The base controllers inject what they need by class; a named registration provides it under another token. */
function injectFrom(controller: BaseController, contextName: string | undefined): void {
  if (contextName !== undefined && controller.repository !== undefined) {
    Inject(getPrismiqToken<unknown>(controller.repository, contextName))(controller, undefined, 0);
  }
  if (contextName !== undefined) {
    for (const [property, provider] of Object.entries(controller.properties ?? {})) {
      Inject(getPrismiqToken<unknown>(provider, contextName))(controller.prototype as object, property);
    }
  }
}
