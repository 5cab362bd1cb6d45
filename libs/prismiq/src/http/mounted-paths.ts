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
  const bases = prefixesOf(config).flatMap((prefix) =>
    versionsOf(config, version).map((segment) => join(prefix, segment)),
  );
  const routes = controllers.flatMap(routesOf);
  // Who mounts at the root leaves all other paths to the host.
  const roots = path === '' ? [...new Set(routes.map((route) => route.path.split('/')[1]!))] : [path];
  const patterns = bases.flatMap((base) =>
    routes.map((route) => ({ ...route, path: toPattern(join(base, route.path)) })),
  );
  return {
    mounts: bases.flatMap((base) => roots.map((root) => join(base, root))),
    methodsOf: (asked) => [...new Set(patterns.filter((route) => route.path.test(asked)).map(({ method }) => method))],
  };
}

/** A host that excludes routes from its prefix may have excluded ours. */
function prefixesOf(config: ApplicationConfig): string[] {
  const prefix = config.getGlobalPrefix();
  return config.getGlobalPrefixOptions().exclude?.length ? [prefix, ''] : [prefix];
}

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

/** What the route decorators have noted. */
function routesOf(controller: Type): { method: string; path: string }[] {
  const prototype = controller.prototype as Record<string, object>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const method = Reflect.getMetadata(METHOD_METADATA, prototype[name]!) as RequestMethod | undefined;
    const path = join(
      Reflect.getMetadata(PATH_METADATA, controller) as string,
      String(Reflect.getMetadata(PATH_METADATA, prototype[name]!)),
    );
    return method === undefined ? [] : [{ method: RequestMethod[method], path }];
  });
}

/** A parameter is one segment. */
const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i');
