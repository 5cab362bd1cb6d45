import { NestFactory } from '@nestjs/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { PrismiqModule } from '@prismiq/nestjs';

/** What a host tells MikroORM. */
export const ormOptions = (url, connections) => ({
  clientUrl: url,
  driver: PostgreSqlDriver,
  // As those of openPool, its connections stay open.
  pool: { max: connections, idleTimeoutMillis: 0 },
  ensureDatabase: false,
  logger: () => undefined,
});

/**
 * The root module of a host, without a decorator, which plain JavaScript does not have.
 *
 * @param prismiqOptions none: a host without Prismiq
 * @param registerRequestContext whether MikroORM makes an EntityManager for each request, which Prismiq does not need
 */
export const hostModule = (url, connections, prismiqOptions, registerRequestContext = true) => ({
  module: class Host {},
  imports: [
    MikroOrmModule.forRoot({
      ...ormOptions(url, connections),
      discovery: { warnWhenNoEntities: false },
      entities: [],
      registerRequestContext,
    }),
    ...(prismiqOptions === undefined ? [] : [PrismiqModule.forRoot(prismiqOptions)]),
  ],
});

/** A host without a server, as a job or a script has it. */
export const startHost = (url, connections) =>
  NestFactory.createApplicationContext(hostModule(url, connections, { resolver: () => undefined }), { logger: false });
