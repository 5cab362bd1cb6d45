import { Scope, type InjectionToken, type Provider, type Type } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/core';
import { PostgreSqlDriver, type MikroORM as PostgreSqlMikroORM } from '@mikro-orm/postgresql';
import { ChangeFeed } from './changes/change-feed.js';
import { TenantRegistry } from './directory/tenant-registry.js';
import { registerEntities } from './entities/prismiq-entities.js';
import { InvalidOptionsError } from './errors/configuration.errors.js';
import type { DownOptions, TenantMigratorOptions, UpOptions } from './migrator/migrator-options.js';
import type { MigrationReport } from './migrator/run-report.js';
import { TenantMigrator } from './migrator/tenant-migrator.js';
import type { PrismiqConfig } from './options/prismiq-config.js';
import {
  PRISMIQ_CONFIG,
  PRISMIQ_LIMITS,
  PRISMIQ_OPEN_CONTEXT,
  PRISMIQ_ORM,
  PRISMIQ_SCHEMA_FOR,
} from './prismiq.constants.js';
import { getPrismiqToken } from './prismiq.decorators.js';
import { createQueryEngine } from './query/service/create-query-engine.js';
import { QueryEngine } from './query/service/query-engine.js';
import { QueryFeed } from './query/service/query-feed.js';
import { QueryService } from './query/service/query.service.js';
import { DashboardRepository } from './repositories/dashboards/dashboard.repository.js';
import { SavedQueryRepository } from './repositories/saved-queries/saved-query.repository.js';
import { TenantDatabase } from './repositories/tenant-database.js';
import { WidgetRepository } from './repositories/widgets/widget.repository.js';
import { Database } from './sql/database.js';
import { TenantContext } from './tenancy/tenant-context.js';
import { BoundTenantEntityManager, TenantEntityManager } from './tenancy/tenant-entity-manager.js';
import { TenantResolver } from './tenancy/tenant-resolver.js';
import { TenantSchema } from './tenancy/tenant-schema.js';
import { TenantStorage } from './tenancy/tenant-store.js';
import { TenantGuard } from './tenancy/tenant.guard.js';
import { TenantInterceptor } from './tenancy/tenant.interceptor.js';

/** What a host may inject, and what the interceptor needs when Nest creates it in a module of the host. */
const EXPORTED = [
  DashboardRepository,
  WidgetRepository,
  SavedQueryRepository,
  QueryService,
  QueryFeed,
  ChangeFeed,
  TenantRegistry,
  TenantContext,
  TenantGuard,
  TenantInterceptor,
  TenantSchema,
  TenantResolver,
  TenantMigrator,
];

/** The tokens that a registration exports. */
export const getExports = (contextName?: string): InjectionToken[] =>
  EXPORTED.map((provider) => getPrismiqToken<unknown>(provider, contextName));

/**
 * Creates the providers from the options. A named registration provides nothing under a plain class: `app.get()` searches all
 * modules, and would find the wrong one.
 */
export function createProviders(contextName?: string): Provider[] {
  const token = (provider: { name: string; prototype: unknown }) => getPrismiqToken(provider, contextName);
  const provide = (provider: Type, inject: InjectionToken[], scope = Scope.DEFAULT): Provider => ({
    provide: token(provider),
    useFactory: (...dependencies: unknown[]) => new provider(...dependencies),
    inject,
    scope,
  });
  const repository = [token(TenantContext), TenantDatabase, PRISMIQ_LIMITS];
  return [
    ormProvider(contextName),
    Database,
    { provide: token(TenantResolver), useFactory: ({ resolver }: PrismiqConfig) => resolver, inject: [PRISMIQ_CONFIG] },
    { provide: PRISMIQ_SCHEMA_FOR, useFactory: ({ schemaFor }: PrismiqConfig) => schemaFor, inject: [PRISMIQ_CONFIG] },
    { provide: PRISMIQ_LIMITS, useFactory: ({ limits }: PrismiqConfig) => limits, inject: [PRISMIQ_CONFIG] },
    {
      provide: TenantDatabase,
      useFactory: (database: Database, feed: ChangeFeed, { connections }: PrismiqConfig) =>
        new TenantDatabase(database, feed, connections),
      inject: [Database, token(ChangeFeed), PRISMIQ_CONFIG],
    },
    provide(ChangeFeed, []),
    {
      provide: token(TenantRegistry),
      useFactory: ({ directory, directoryCache, schemaFor }: PrismiqConfig, database: Database) =>
        new TenantRegistry(
          directory({ query: (sql, values) => database.write((executor) => executor.query(sql, values)), schemaFor }),
          {
            ...directoryCache,
            schemaFor,
            isInTransaction: () => database.isInTransaction(),
          },
        ),
      inject: [PRISMIQ_CONFIG, Database],
    },
    {
      provide: TenantEntityManager,
      useFactory: ({ bindEntityManager }: PrismiqConfig, orm: PostgreSqlMikroORM, storage: TenantStorage) =>
        bindEntityManager ? new BoundTenantEntityManager(orm, storage) : new TenantEntityManager(),
      inject: [PRISMIQ_CONFIG, PRISMIQ_ORM, TenantStorage],
    },
    { provide: TenantStorage, useFactory: () => new TenantStorage() },
    {
      provide: PRISMIQ_OPEN_CONTEXT,
      useFactory: (context: TenantContext) => (_request: unknown, _response: unknown, next: () => void) =>
        context.open(next),
      inject: [token(TenantContext)],
    },
    provide(TenantContext, [TenantStorage, token(TenantRegistry), PRISMIQ_SCHEMA_FOR, TenantEntityManager]),
    provide(TenantInterceptor, [token(TenantResolver), token(TenantContext)]),
    provide(TenantGuard, [token(TenantResolver), token(TenantContext)]),
    provide(TenantSchema, [token(TenantContext)], Scope.REQUEST),
    {
      provide: token(TenantMigrator),
      useFactory: (
        { migrator, schemaFor }: PrismiqConfig,
        database: PostgreSqlMikroORM,
        directory: TenantRegistry,
        engine: QueryEngine | undefined,
      ): TenantMigrator => new ForgettingMigrator({ ...migrator, database, directory, schemaFor }, engine),
      inject: [PRISMIQ_CONFIG, PRISMIQ_ORM, token(TenantRegistry), QueryEngine],
    },
    provide(DashboardRepository, repository),
    provide(WidgetRepository, repository),
    provide(SavedQueryRepository, repository),
    provide(QueryFeed, []),
    {
      provide: QueryEngine,
      useFactory: ({ query }: PrismiqConfig, orm: PostgreSqlMikroORM, feed: QueryFeed) =>
        query && createQueryEngine(query, orm, feed),
      inject: [PRISMIQ_CONFIG, PRISMIQ_ORM, token(QueryFeed)],
    },
    provide(QueryService, [token(TenantContext), token(DashboardRepository), token(WidgetRepository), QueryEngine]),
  ];
}

/** After a run, the tables of the tenants are not what queries know of them. */
class ForgettingMigrator extends TenantMigrator {
  constructor(
    options: TenantMigratorOptions,
    private readonly engine: QueryEngine | undefined,
  ) {
    super(options);
  }

  override up(options?: UpOptions): Promise<MigrationReport> {
    return super.up(options).finally(() => this.engine?.forgetTables());
  }

  override down(options: DownOptions): Promise<MigrationReport> {
    return super.down(options).finally(() => this.engine?.forgetTables());
  }
}

/** `@mikro-orm/nestjs` provides an ORM under its class, or under a string made from the context's name. */
const ormProvider = (contextName?: string): Provider => ({
  provide: PRISMIQ_ORM,
  useFactory: (orm?: PostgreSqlMikroORM) => {
    if (orm === undefined) {
      throw new InvalidOptionsError(
        'contextName',
        contextName === undefined
          ? 'is not set, and there is no MikroORM without a name. Import MikroOrmModule.forRoot(…) in your root module, ' +
              'or name the instance to use.'
          : `names no MikroORM instance. Import MikroOrmModule.forRoot({ contextName: '${contextName}', … }).`,
      );
    }
    if (!(orm.driver instanceof PostgreSqlDriver)) {
      throw new InvalidOptionsError(
        'contextName',
        'names a MikroORM instance of another database: use @mikro-orm/postgresql.',
      );
    }
    registerEntities(orm);
    return orm;
  },
  inject: [{ token: contextName === undefined ? MikroORM : `${contextName}_MikroORM`, optional: true }],
});
