import type { INestApplication } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  WidgetRepository,
  ensureTables,
} from '@prismiq/nestjs';
import { startPgBouncer } from '../../../../test/support/pgbouncer.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { boot, ormModule, resolver, TokenGuard } from '../support/host.js';
import { findProblems } from './connections.js';
import { HostController } from './host.controller.js';
import { httpOperations } from './http-operations.js';
import { Disturbances, isDisturbance } from './disturbances.js';
import { fuzz, sumWeights, type Operation } from './operation.js';
import { Random } from './random.js';
import { Scenarios } from './scenarios.js';
import { serviceOperations } from './service-operations.js';
import { leaveTemporaryTables, setSessions } from './session.js';
import { World } from './world.js';

/** .ci/run does them all. */
const ALL_OPERATIONS = 20_000;
const OPERATIONS = Number(process.env['FUZZ_OPERATIONS'] ?? 2000);
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const WORKERS = 32;
const CONNECTIONS = 10;
/** One in so many operations ends a connection, one leaves temporary tables behind, and fewer hold a tenant's writes up. */
const KILLS = 1 / 500;
const TEMPORARY_TABLES = 1 / 500;
const STALLS = 1 / 2000;
/** How long the driver waits for an answer. */
const QUERY_TIMEOUT_MS = new Random(SEED).pick([undefined, 1500, 3000]);

process.stderr.write(
  `${OPERATIONS < ALL_OPERATIONS ? `NOT RUN IN FULL (FUZZ_OPERATIONS=${ALL_OPERATIONS} does): ` : ''}` +
    `isolation fuzz, ${OPERATIONS} operations each. To repeat it: FUZZ_SEED=${SEED} npm test -- isolation-fuzz\n`,
);

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: CONNECTIONS });

const MODES = [
  ['a schema for each tenant', (tenantId: string) => `tenant_${tenantId}`],
  ['one schema for all tenants', () => 'everybody'],
] as const;

const ROUTES = [
  ['direct', (url: string) => url],
  ...(bouncer === undefined ? [] : [['through PgBouncer', (url: string) => bouncer.through(url)] as const]),
] as const;

afterAll(() => bouncer?.stop());

describe.each(MODES)('with %s', (_, schemaFor) => {
  describe.each(ROUTES)('%s', (route, urlFor) => {
    let database: TestDatabase;
    let world: World;
    let disturbances: Disturbances;
    let app: INestApplication;

    beforeEach(async () => {
      database = await TestDatabase.create();
      world = new World(schemaFor);
      disturbances = new Disturbances(database);
      await Promise.all(world.tenants.map(({ schema }) => ensureTables(database.pool, { schema, createSchema: true })));
      await setSessions(database, SEED);
      app = await boot(
        {
          imports: [
            ormModule(database, {
              clientUrl: urlFor(database.url),
              pool: { max: CONNECTIONS },
              driverOptions: { query_timeout: QUERY_TIMEOUT_MS },
            }),
            PrismiqModule.forRoot({ resolver, schemaFor, controllers: { guards: [TokenGuard] } }),
          ],
          controllers: [HostController],
          providers: [
            { provide: World, useValue: world },
            {
              provide: Scenarios,
              useFactory: (tenants, dashboards, queries, { em }) =>
                new Scenarios(world, tenants, dashboards, queries, em, disturbances),
              inject: [TenantContext, DashboardRepository, SavedQueryRepository, MikroORM],
            },
          ],
        },
        route === 'direct' ? 'express' : 'fastify',
        (host) => host.use(startsWithoutTenant),
      );
    });
    afterEach(async () => {
      await app.close();
      await database.close();
    });

    const expectNoTenant = (where: string) => {
      const left = app.get(TenantContext).current();
      if (left !== undefined) {
        world.faults.push(`the context of ${left.tenantId} was left behind ${where}`);
      }
    };
    const startsWithoutTenant = (_request: unknown, _response: unknown, next: () => void) => {
      expectNoTenant('by an earlier request');
      next();
    };

    const expectIsolation = async (operations: Operation[]) => {
      const { em } = app.get(MikroORM);
      const all = sumWeights(operations);
      const disturbing: Operation[] = [
        [all * KILLS, () => disturbances.kill()],
        [all * TEMPORARY_TABLES, () => leaveTemporaryTables(em)],
        [all * STALLS, ({ me }) => disturbances.stall(me, (QUERY_TIMEOUT_MS ?? 500) + 500)],
      ];
      const failures = await fuzz({
        world,
        operations: [...operations, ...disturbing],
        count: OPERATIONS,
        workers: WORKERS,
        seed: SEED,
        mayFail: isDisturbance,
        after: () => expectNoTenant('by an operation'),
      });
      expect(world.faults).toEqual([]);
      expect(failures).toBeLessThan(OPERATIONS / 20);
      expect(await findProblems(database, app.get(MikroORM), CONNECTIONS)).toEqual([]);
      expect(await world.foreignRows(database)).toEqual([]);
      expect(await world.acknowledged.findLost(database, world.schemas)).toEqual([]);
      expect(world.acknowledged.count).toBeGreaterThan(OPERATIONS / 20);
      expect(await world.countRows(database)).toBeGreaterThan(Math.min(world.tenants.length, OPERATIONS / 100));
    };

    const TIMEOUT = 600_000;

    it(
      'no tenant meets another through services',
      () =>
        expectIsolation(
          serviceOperations({
            world,
            scenarios: app.get(Scenarios),
            dashboards: app.get(DashboardRepository),
            widgets: app.get(WidgetRepository),
            queries: app.get(SavedQueryRepository),
          }),
        ),
      TIMEOUT,
    );

    it(
      'no tenant meets another through HTTP',
      async () => expectIsolation(httpOperations(world, await app.getUrl())),
      TIMEOUT,
    );
  });
});
