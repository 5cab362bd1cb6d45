import {
  Controller,
  Get,
  Module,
  RequestMethod,
  VERSION_NEUTRAL,
  VersioningType,
  type INestApplication,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ensureTables, PrismiqModule, type PrismiqControllersOptions } from '@prismiq/nestjs';
import { getApplicationConfig, controllersByModule, mountedPaths } from '../src/http/nest-adapter.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, PLATFORMS, resolver } from './support/host.js';

/** What http/nest-adapter.ts relies on. If a test of this file fails after an update of NestJS, that file has to follow. */
describe('internals of NestJS', () => {
  let database: TestDatabase;
  let app: INestApplication;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
  });
  afterEach(() => app.close());
  afterAll(() => database.close());

  @Controller('mine')
  class MineController {
    @Get()
    get() {
      return {};
    }
  }
  @Module({ controllers: [MineController] })
  class MineModule {}

  it.each(PLATFORMS)('ModuleRef leads to the ApplicationConfig, on %s', async (platform) => {
    app = await boot({ imports: [MineModule] }, platform, (host) => {
      host.setGlobalPrefix('api', { exclude: ['health'] });
      host.enableVersioning({ type: VersioningType.URI, prefix: 'version', defaultVersion: '7' });
    });
    const config = getApplicationConfig(app.get(ModuleRef));
    expect(config.getGlobalPrefix()).toBe('api');
    expect(config.getGlobalPrefixOptions().exclude).toEqual([
      expect.objectContaining({ pathRegex: expect.any(RegExp), requestMethod: RequestMethod.ALL }),
    ]);
    expect(config.getVersioning()).toMatchObject({ type: VersioningType.URI, prefix: 'version', defaultVersion: '7' });
  });

  it('a missing ApplicationConfig is named', async () => {
    app = await boot({});
    expect(() => getApplicationConfig({} as ModuleRef)).toThrow(
      /This version of @nestjs\/core keeps its ApplicationConfig elsewhere/,
    );
  });

  it('ModulesContainer has the controllers of each module', async () => {
    app = await boot({ imports: [MineModule] });
    expect(controllersByModule(app.get(ModulesContainer))).toContainEqual({
      module: MineModule,
      controllers: [MineController],
    });
  });

  it.each([
    ['a plain host', {}, () => undefined],
    ['a prefix', { path: '/a/b/' }, (host: INestApplication) => host.setGlobalPrefix('/app/api/')],
    [
      'a prefix from which some routes are excluded',
      { path: 'x' },
      (host: INestApplication) =>
        host.setGlobalPrefix('api', {
          exclude: ['x/dashboards', { path: 'x/dashboards/:id', method: RequestMethod.PATCH }],
        }),
    ],
    [
      'versions',
      { path: 'x', version: ['1', VERSION_NEUTRAL] },
      (host: INestApplication) => host.enableVersioning({ type: VersioningType.URI }),
    ],
    [
      "the host's own version and prefix of versions",
      { path: '' },
      (host: INestApplication) => {
        host.setGlobalPrefix('api');
        host.enableVersioning({ type: VersioningType.URI, prefix: false, defaultVersion: ['4', '5'] });
      },
    ],
  ])('the router puts routes where mountedPaths() derives them: %s', async (_, controllers, configure) => {
    const routed: string[] = [];
    app = await boot(
      {
        imports: [
          ormModule(database),
          PrismiqModule.forRoot({ resolver, controllers: controllers as PrismiqControllersOptions }),
        ],
      },
      'fastify',
      (host) => {
        (host.getHttpAdapter() as FastifyAdapter).getInstance().addHook('onRoute', ({ method, url }) => {
          // Prismiq's own fallback routes have several methods each.
          routed.push(...(typeof method === 'string' ? [`${method} ${url}`] : []));
        });
        configure(host);
      },
    );
    const modules = app.get(ModulesContainer);
    const ours = controllersByModule(modules).find(({ module }) => module === PrismiqModule)!.controllers;
    const { path = 'prismiq', version } = controllers as PrismiqControllersOptions;
    const derived = mountedPaths(
      getApplicationConfig(app.get(ModuleRef)),
      ours,
      path.split('/').filter(Boolean).join('/'),
      version,
    );
    const expected = routed.filter(
      (route) => /dashboards|saved-queries/.test(route) && !/^(HEAD|OPTIONS)|\*/.test(route),
    );
    expect(expected.length).toBeGreaterThanOrEqual(21);
    for (const route of expected) {
      const [method, url] = route.split(' ') as [string, string];
      expect([route, derived.findMethods(url.replaceAll(/:\w+/g, 'some-id'))]).toEqual([
        route,
        expect.arrayContaining([method]),
      ]);
      expect(derived.mounts.some((mount) => `${url}/`.startsWith(`${mount}/`))).toBe(true);
    }
  });
});
