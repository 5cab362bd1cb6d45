import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { controllersByModule } from '../nest-adapter.js';
import { documentController, type Swagger } from './document-controller.js';

/** Controllers that hosts have made with `@PrismiqController`, until the first application that has them. */
const undocumented = new WeakSet<Type>();

export const documentLater = (controller: Type): void => void undocumented.add(controller);

/**
 * Describes the controllers that a registration has mounted, and those that hosts have derived from ours. Ids of operations are unique in
 * a document: those of the first registration have no suffix.
 */
export function documentControllers(
  swagger: Swagger,
  modules: ModulesContainer,
  prismiqModule: Type,
  mounted: readonly Type[],
  contextName: string | undefined,
): void {
  const registered = controllersByModule(modules);
  const mounting = registered.filter(({ module, controllers }) => module === prismiqModule && controllers.length > 0);
  const place = mounting.findIndex(({ controllers }) => mounted.some((controller) => controllers.includes(controller)));
  mounted.forEach((controller) =>
    documentController(swagger, controller, place === 0 ? '' : `_${contextName ?? place + 1}`),
  );
  registered
    .flatMap(({ controllers }) => controllers)
    .filter((controller) => undocumented.delete(controller))
    .forEach((controller) => documentController(swagger, controller));
}
