import type { InjectionToken, Provider, Type } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/core';
import type { MikroORM as PostgreSqlMikroORM } from '@mikro-orm/postgresql';
import { registerEntities } from './entities/prismiq-entities.js';
import { InvalidOptionsError } from './errors/configuration.errors.js';
import type { PrismiqConfig } from './options/prismiq-config.js';
import { PRISMIQ_CONFIG, PRISMIQ_ORM, PRISMIQ_SCHEMA_FOR } from './prismiq.constants.js';
import { getPrismiqToken } from './prismiq.decorators.js';
import { DashboardRepository } from './repositories/dashboard.repository.js';
import { SavedQueryRepository } from './repositories/saved-query.repository.js';
import { WidgetRepository } from './repositories/widget.repository.js';
import { Database } from './sql/database.js';
import { TenantContext } from './tenancy/tenant-context.js';
import { TenantRequests } from './tenancy/tenant-requests.js';
import { TenantResolver } from './tenancy/tenant-resolver.js';
import { TenantSchema } from './tenancy/tenant-schema.js';
import { TenantInterceptor } from './tenancy/tenant.interceptor.js';

/** What a host may inject. */
const EXPORTED: readonly Type<unknown>[] = [
  DashboardRepository,
  WidgetRepository,
  SavedQueryRepository,
  TenantContext,
  TenantInterceptor,
  TenantSchema,
];

/** The providers that do not depend on the options. Within its module each is known by its class, whatever the context. */
export const providersOf = (contextName?: string): Provider[] => [
  ormProvider(contextName),
  Database,
  TenantRequests,
  { provide: TenantResolver, useFactory: ({ resolver }: PrismiqConfig) => resolver, inject: [PRISMIQ_CONFIG] },
  { provide: PRISMIQ_SCHEMA_FOR, useFactory: ({ schemaFor }: PrismiqConfig) => schemaFor, inject: [PRISMIQ_CONFIG] },
  ...EXPORTED,
  ...aliasesOf(contextName),
];

/** The tokens of what a host may inject. */
export const exportsOf = (contextName?: string): InjectionToken[] => [
  ...EXPORTED.map((provider) => getPrismiqToken(provider, contextName)),
  // The interceptor, where a host applies it in a module of its own, is made there, from these.
  ...(contextName === undefined ? [TenantResolver, TenantRequests] : []),
];

const aliasesOf = (contextName?: string): Provider[] =>
  contextName === undefined
    ? []
    : EXPORTED.map((provider) => ({ provide: getPrismiqToken(provider, contextName), useExisting: provider }));

/** `@mikro-orm/nestjs` provides an ORM under its class, or under a text made from the context's name. */
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
    if (orm.driver.constructor.name !== 'PostgreSqlDriver') {
      throw new InvalidOptionsError(
        'contextName',
        `stands for a MikroORM with ${orm.driver.constructor.name}. Prismiq needs @mikro-orm/postgresql.`,
      );
    }
    registerEntities(orm);
    return orm;
  },
  inject: [{ token: contextName === undefined ? MikroORM : `${contextName}_MikroORM`, optional: true }],
});
