import {
  Inject,
  Module,
  RequestMethod,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { loadSwagger, type Swagger } from './http/openapi/document-controller.js';
import { documentControllers } from './http/openapi/document-controllers.js';
import { dropContentTypeOfEmptyBody } from './http/drop-content-type-of-empty-body.js';
import { mountControllers } from './http/mount-controllers.js';
import { FallbackRoutes } from './http/fallback-routes.js';
import { PrismiqExceptionFilter } from './http/prismiq-exception.filter.js';
import type {
  PrismiqModuleAsyncOptions,
  PrismiqModuleOptions,
  PrismiqOptions,
  PrismiqOptionsFactory,
  PrismiqStructure,
} from './options/prismiq-options.js';
import { resolveControllers, withoutQueries, type ResolvedControllersOptions } from './options/resolve-controllers.js';
import { checkStructure, resolveOptions } from './options/resolve-options.js';
import { InvalidOptionsError } from './errors/configuration.errors.js';
import {
  PRISMIQ_CONFIG,
  PRISMIQ_CONTEXT_NAME,
  PRISMIQ_MOUNTED,
  PRISMIQ_OPEN_CONTEXT,
  PRISMIQ_SWAGGER,
} from './prismiq.constants.js';
import { createProviders, getExports } from './prismiq.providers.js';

/**
 * Prismiq in a NestJS application: entities, tenancy, repositories and optional REST controllers on the application's own
 * MikroORM. Registers no global guard, pipe, filter or interceptor, and does not touch the host's EntityManager.
 *
 * @publicApi
 */
@Module({})
export class PrismiqModule implements NestModule, OnModuleInit {
  /**
   * Registers Prismiq with fixed options.
   *
   * @throws InvalidOptionsError
   */
  static forRoot(options: PrismiqModuleOptions): DynamicModule {
    checkStructure(options, 'forRoot');
    const { isGlobal, contextName, controllers, imports, ...values } = options;
    const structure = { isGlobal, contextName, controllers, imports };
    const config = resolveOptions(values, structure);
    return register(structure, [{ provide: PRISMIQ_CONFIG, useValue: config }], config.query !== undefined);
  }

  /**
   * Registers Prismiq with options that come from other providers.
   *
   * @throws InvalidOptionsError, while the application starts
   */
  static forRootAsync(options: PrismiqModuleAsyncOptions): DynamicModule {
    checkStructure(options, 'forRootAsync');
    const { isGlobal, contextName, controllers, imports, ...source } = options;
    const structure = { isGlobal, contextName, controllers, imports };
    // Whether anything can be queried, only the factory says.
    return register(structure, configProviders(source as AsyncSource, structure), true);
  }

  constructor(
    @Inject(PRISMIQ_MOUNTED) private readonly mounted: Mounted | undefined,
    @Inject(PRISMIQ_OPEN_CONTEXT)
    private readonly openContext: (request: unknown, response: unknown, next: () => void) => void,
    @Inject(FallbackRoutes) private readonly fallback: FallbackRoutes,
    @Inject(PRISMIQ_SWAGGER) swagger: Swagger | undefined,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(PRISMIQ_CONTEXT_NAME) contextName: string | undefined,
  ) {
    // In the constructor, since a host may create its OpenAPI document before it starts.
    if (swagger !== undefined) {
      documentControllers(swagger, modules, PrismiqModule, mounted?.controllers ?? [], contextName);
    }
  }

  /** Nest calls it before it creates the routes of a web application. */
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(this.openContext).forRoutes({ path: '/{*all}', method: RequestMethod.ALL });
    if (this.mounted !== undefined) {
      const { controllers, options } = this.mounted;
      if (this.fallback.isFastify) {
        consumer.apply(dropContentTypeOfEmptyBody).forRoutes(...controllers);
      }
      this.fallback.beforeRoutes(controllers, options);
    }
  }

  /** Nest calls it after it has created the routes. */
  onModuleInit(): void {
    this.fallback.afterRoutes();
  }
}

/** The controllers that a registration has mounted, and their options. */
interface Mounted {
  controllers: Type[];
  options: ResolvedControllersOptions;
}

type AsyncSource = Pick<PrismiqModuleAsyncOptions, 'useFactory' | 'inject' | 'useClass' | 'useExisting'>;

function register(structure: PrismiqStructure, config: Provider[], mayQuery: boolean): DynamicModule {
  const { contextName, imports = [], isGlobal = false } = structure;
  const all = resolveControllers(structure);
  const options = all && (mayQuery ? all : withoutQueries(all));
  const mounted = options && { options, controllers: mountControllers(options, contextName) };
  return {
    module: PrismiqModule,
    global: isGlobal,
    imports,
    controllers: mounted?.controllers ?? [],
    providers: [
      ...config,
      { provide: PRISMIQ_MOUNTED, useValue: mounted },
      { provide: PRISMIQ_CONTEXT_NAME, useValue: contextName },
      { provide: PRISMIQ_SWAGGER, useFactory: loadSwagger },
      PrismiqExceptionFilter,
      FallbackRoutes,
      ...createProviders(contextName),
    ],
    exports: getExports(contextName),
  };
}

function configProviders(
  { useFactory, inject = [], useClass, useExisting }: AsyncSource,
  structure: PrismiqStructure,
): Provider[] {
  const resolve = async (values: PrismiqOptions | Promise<PrismiqOptions>) => resolveOptions(await values, structure);
  if ([useFactory, useClass, useExisting].filter((source) => source !== undefined).length !== 1) {
    throw new InvalidOptionsError(
      'useFactory',
      'or `useClass` or `useExisting` must be given to forRootAsync: exactly one of them',
    );
  }
  if (useFactory !== undefined) {
    return [
      {
        provide: PRISMIQ_CONFIG,
        useFactory: (...dependencies: unknown[]) => resolve(useFactory(...dependencies)),
        inject,
      },
    ];
  }
  return [
    {
      provide: PRISMIQ_CONFIG,
      useFactory: (factory: PrismiqOptionsFactory) => resolve(factory.createPrismiqOptions()),
      inject: [useClass ?? useExisting!],
    },
    ...(useClass === undefined ? [] : [useClass]),
  ];
}
