import { VERSION_NEUTRAL } from '@nestjs/common';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { assertMembers } from './check-members.js';
import type { PrismiqControllerName, PrismiqControllersOptions, PrismiqStructure } from './prismiq-options.js';

/** The controllers' options, with defaults applied. */
export interface ResolvedControllersOptions {
  /** Without slashes around it. */
  path: string;
  version: PrismiqControllersOptions['version'];
  guards: NonNullable<PrismiqControllersOptions['guards']>;
  interceptors: NonNullable<PrismiqControllersOptions['interceptors']>;
  decorators: ClassDecorator[];
  include: PrismiqControllerName[];
}

const CONTROLLERS: PrismiqControllerName[] = ['dashboards', 'widgets', 'saved-queries', 'schema', 'queries', 'llm'];

/** They have no routes if there is nothing to query. */
const QUERY_CONTROLLERS: PrismiqControllerName[] = ['schema', 'queries', 'llm'];

/** @returns undefined if no controllers are mounted */
export function resolveControllers({ controllers = false }: PrismiqStructure): ResolvedControllersOptions | undefined {
  if (controllers === false) {
    return undefined;
  }
  const options = controllers === true ? {} : controllers;
  const known = ['path', 'version', 'guards', 'interceptors', 'decorators', 'include'];
  assertMembers('controllers', options, known, 'must be true, false, or an object such as { path: "api/prismiq" }');
  const { path = 'prismiq', version, guards = [], interceptors = [], decorators = [], include = CONTROLLERS } = options;
  if (typeof path !== 'string') {
    throw new InvalidOptionsError('controllers.path', 'must be a string such as "api/prismiq"');
  }
  if (version !== undefined && ![version].flat().every(isVersion)) {
    throw new InvalidOptionsError('controllers.version', 'must be a string, VERSION_NEUTRAL, or an array of these');
  }
  assertList('guards', guards, (guard) => guard != null, 'guards, as for @UseGuards()');
  assertList('interceptors', interceptors, (one) => one != null, 'interceptors, as for @UseInterceptors()');
  assertList('decorators', decorators, (decorator) => typeof decorator === 'function', 'class decorators');
  assertList('include', include, (name) => CONTROLLERS.includes(name), `names, of ${CONTROLLERS.join(', ')}`);
  return { path: path.split('/').filter(Boolean).join('/'), version, guards, interceptors, decorators, include };
}

/** A controller of queries that the host has named itself. */
export const findQueryController = ({ controllers }: PrismiqStructure): PrismiqControllerName | undefined =>
  typeof controllers === 'object' ? controllers.include?.find((name) => QUERY_CONTROLLERS.includes(name)) : undefined;

/** The controllers that are mounted if there is nothing to query. */
export const withoutQueries = (options: ResolvedControllersOptions): ResolvedControllersOptions => ({
  ...options,
  include: options.include.filter((name) => !QUERY_CONTROLLERS.includes(name)),
});

/** VERSION_NEUTRAL is a symbol. */
const isVersion = (version: unknown): boolean =>
  (typeof version === 'string' && version !== '') || version === VERSION_NEUTRAL;

function assertList<T>(option: string, list: T[], isValid: (item: T) => boolean, what: string): void {
  if (!Array.isArray(list) || !list.every(isValid)) {
    throw new InvalidOptionsError(`controllers.${option}`, `must be an array of ${what}`);
  }
}
