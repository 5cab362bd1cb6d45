// All that depends on parts of NestJS without a documented interface. test/nest-adapter.spec.ts says which one has changed.
import { RequestMethod, VERSION_NEUTRAL, VersioningType, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, type ApplicationConfig, type ModuleRef, type ModulesContainer } from '@nestjs/core';

/** Has the global prefix and the versioning, which the host sets after the modules are made. Nest does not inject it. */
export function getApplicationConfig(moduleRef: ModuleRef): ApplicationConfig {
  const { container } = moduleRef as unknown as { container?: { applicationConfig?: ApplicationConfig } };
  if (typeof container?.applicationConfig?.getGlobalPrefix !== 'function') {
    throw new Error(
      'This version of @nestjs/core keeps its ApplicationConfig elsewhere. Use a version that the peer dependencies of ' +
        '@prismiq/nestjs allow, or report this.',
    );
  }
  return container.applicationConfig;
}

/** The controllers of each module of the application, in the order of their registration. */
export const controllersByModule = (modules: ModulesContainer): { module: unknown; controllers: Type[] }[] =>
  [...modules.values()].map(({ metatype, controllers }) => ({
    module: metatype,
    controllers: [...controllers.values()].map((wrapper) => wrapper.metatype as Type),
  }));

/** Where the routes of a registration are. */
export interface MountedPaths {
  /** All routes are below one of these. */
  mounts: string[];
  /** The methods for which a path has a route. */
  findMethods(path: string): string[];
}

/**
 * Derives the paths of routes as Nest's router does: behind the global prefix and, with URI versioning, the version.
 *
 * @param path the common path of the controllers; empty if they are at the root, together with the host's routes
 */
export function mountedPaths(
  config: ApplicationConfig,
  controllers: readonly Type[],
  path: string,
  version: Version,
): MountedPaths {
  const routes = controllers.flatMap(declaredRoutes).flatMap((route) => {
    const prefix = isExcludedFromPrefix(config, route) ? '' : config.getGlobalPrefix();
    const root = path === '' ? splitPath(route.path)[0]! : path;
    return versionSegments(config, version).map((segment) => ({
      method: RequestMethod[route.method],
      mount: join(prefix, segment, root),
      segments: join(prefix, segment, route.path).split('/'),
    }));
  });
  return {
    mounts: [...new Set(routes.map(({ mount }) => mount))],
    findMethods: (requested) => {
      const segments = requested.replace(/\/$/, '').split('/');
      return [...new Set(routes.filter((route) => matches(route.segments, segments)).map(({ method }) => method))];
    },
  };
}

/** As for `@Controller({ version })`. */
type Version = string | symbol | (string | symbol)[] | undefined;

interface Route {
  method: RequestMethod;
  /** Without prefix and version. */
  path: string;
}

/** Reads the metadata of the route decorators. */
function declaredRoutes(controller: Type): Route[] {
  const prototype = controller.prototype as Record<string, object>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const method = Reflect.getMetadata(METHOD_METADATA, prototype[name]!) as RequestMethod | undefined;
    const path = join(
      Reflect.getMetadata(PATH_METADATA, controller) as string,
      String(Reflect.getMetadata(PATH_METADATA, prototype[name]!)),
    );
    return method === undefined ? [] : [{ method, path }];
  });
}

const isExcludedFromPrefix = (config: ApplicationConfig, { method, path }: Route): boolean =>
  (config.getGlobalPrefixOptions().exclude ?? []).some(
    ({ pathRegex, requestMethod }) =>
      (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
  );

function versionSegments(config: ApplicationConfig, version: Version): string[] {
  const versioning = config.getVersioning();
  if (versioning?.type !== VersioningType.URI) {
    return [''];
  }
  const { prefix = 'v', defaultVersion = VERSION_NEUTRAL } = versioning;
  return [version ?? defaultVersion]
    .flat()
    .map((one) => (one === VERSION_NEUTRAL ? '' : `${prefix || ''}${String(one)}`));
}

const splitPath = (path: string): string[] => path.split('/').filter(Boolean);

const join = (...parts: string[]): string => `/${parts.flatMap(splitPath).join('/')}`;

/** A parameter is one segment that is not empty. */
const matches = (route: string[], path: string[]): boolean =>
  route.length === path.length &&
  route.every((segment, index) =>
    segment.startsWith(':') ? path[index] !== '' : segment.toLowerCase() === path[index]!.toLowerCase(),
  );
