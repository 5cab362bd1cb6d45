import { RequestMethod, VERSION_NEUTRAL, VersioningType, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, type ApplicationConfig } from '@nestjs/core';
import type { ResolvedControllersOptions } from '../options/resolve-options.js';

/** Where the routes of a registration stand. */
export interface MountedPaths {
  /** All of them stand below one of these. */
  mounts: string[];
  /** The methods that a path has a route for. */
  methodsOf(path: string): string[];
}

const join = (...parts: string[]): string =>
  `/${parts
    .flatMap((part) => part.split('/'))
    .filter(Boolean)
    .join('/')}`;

/** Behind the host's global prefix and the version in the URI, where it has them. */
export function mountedPaths(
  config: ApplicationConfig,
  controllers: readonly Type[],
  { path, version }: ResolvedControllersOptions,
): MountedPaths {
  const routes = controllers.flatMap(routesOf).flatMap((route) => {
    const prefix = isExcludedFromPrefix(config, route) ? '' : config.getGlobalPrefix();
    // Who mounts at the root leaves all other paths to the host.
    const root = path === '' ? route.path.split('/')[1]! : path;
    return versionsOf(config, version).map((segment) => ({
      method: RequestMethod[route.method],
      mount: join(prefix, segment, root),
      pattern: toPattern(join(prefix, segment, route.path)),
    }));
  });
  return {
    mounts: [...new Set(routes.map(({ mount }) => mount))],
    methodsOf: (asked) => [...new Set(routes.filter(({ pattern }) => pattern.test(asked)).map(({ method }) => method))],
  };
}

/** A host may except routes from its prefix, and ours among them. */
const isExcludedFromPrefix = (config: ApplicationConfig, { method, path }: Route): boolean =>
  (config.getGlobalPrefixOptions().exclude ?? []).some(
    ({ pathRegex, requestMethod }) =>
      (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
  );

function versionsOf(config: ApplicationConfig, version: ResolvedControllersOptions['version']): string[] {
  const versioning = config.getVersioning();
  if (versioning?.type !== VersioningType.URI) {
    return [''];
  }
  const { prefix = 'v', defaultVersion = VERSION_NEUTRAL } = versioning;
  return [version ?? defaultVersion]
    .flat()
    .map((one) => (one === VERSION_NEUTRAL ? '' : `${prefix || ''}${String(one)}`));
}

interface Route {
  method: RequestMethod;
  /** Without prefix and version. */
  path: string;
}

/** What the route decorators have noted. */
function routesOf(controller: Type): Route[] {
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

/** A parameter is one segment. */
const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i');
