import {
  Inject,
  Module,
  RequestMethod,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ignoreTypeOfNoBody } from './http/ignore-type-of-no-body.js';
import { mountControllers } from './http/mount-controllers.js';
import type {
  PrismiqModuleAsyncOptions,
  PrismiqModuleOptions,
  PrismiqOptions,
  PrismiqOptionsFactory,
  PrismiqStructure,
} from './options/prismiq-options.js';
import { checkStructure, controllersOf, resolveOptions } from './options/resolve-options.js';
import { InvalidOptionsError } from './errors/configuration.errors.js';
import { PRISMIQ_CONFIG, PRISMIQ_CONTROLLERS, PRISMIQ_OPEN_CONTEXT } from './prismiq.constants.js';
import { exportsOf, providersOf } from './prismiq.providers.js';

/**
 * Prismiq in a NestJS application: entities, tenancy, repositories and, if asked for, REST controllers, on the application's
 * own MikroORM. Registers nothing global (no guard, pipe, filter or interceptor), and leaves the host's EntityManager alone.
 *
 * @publicApi
 */
@Module({})
export class PrismiqModule implements NestModule {
  /**
   * Registers Prismiq with options that are known now.
   *
   * @throws InvalidOptionsError
   */
  static forRoot(options: PrismiqModuleOptions): DynamicModule {
    checkStructure(options, 'forRoot');
    const { isGlobal, contextName, controllers, imports, ...values } = options;
    const structure = { isGlobal, contextName, controllers, imports };
    return register(structure, [{ provide: PRISMIQ_CONFIG, useValue: resolveOptions(values, structure) }]);
  }

  /**
   * Registers Prismiq with options that other providers know.
   *
   * @throws InvalidOptionsError, while the application starts
   */
  static forRootAsync(options: PrismiqModuleAsyncOptions): DynamicModule {
    checkStructure(options, 'forRootAsync');
    const { isGlobal, contextName, controllers, imports, ...source } = options;
    const structure = { isGlobal, contextName, controllers, imports };
    return register(structure, configProviders(source as AsyncSource, structure));
  }

  constructor(
    @Inject(PRISMIQ_CONTROLLERS) private readonly controllers: Type[],
    @Inject(PRISMIQ_OPEN_CONTEXT)
    private readonly openContext: (request: unknown, response: unknown, next: () => void) => void,
  ) {}

  /** Called by Nest. */
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(this.openContext).forRoutes({ path: '/{*all}', method: RequestMethod.ALL });
    if (this.controllers.length > 0) {
      consumer.apply(ignoreTypeOfNoBody).forRoutes(...this.controllers);
    }
  }
}

type AsyncSource = Pick<PrismiqModuleAsyncOptions, 'useFactory' | 'inject' | 'useClass' | 'useExisting'>;

function register(structure: PrismiqStructure, config: Provider[]): DynamicModule {
  const { contextName, imports = [], isGlobal = false } = structure;
  const options = controllersOf(structure);
  const controllers = options === undefined ? [] : mountControllers(options, contextName);
  return {
    module: PrismiqModule,
    global: isGlobal,
    imports,
    controllers,
    providers: [...config, { provide: PRISMIQ_CONTROLLERS, useValue: controllers }, ...providersOf(contextName)],
    exports: exportsOf(contextName),
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
