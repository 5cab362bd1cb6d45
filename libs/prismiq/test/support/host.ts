import {
  Injectable,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver, type Options } from '@mikro-orm/postgresql';
import type { TenantIdentity } from '@prismiq/nestjs';
import type { TestDatabase } from '../../../../test/support/test-database.js';

export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** Boots a host application on a loopback port chosen by the system. */
export async function boot(
  metadata: ModuleMetadata,
  platform: Platform = 'express',
  configure: (app: INestApplication) => void = () => undefined,
): Promise<INestApplication> {
  const module = await Test.createTestingModule(metadata).compile();
  const app = module.createNestApplication(platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), {
    logger: false,
  });
  configure(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** The host's MikroORM, as `@mikro-orm/nestjs` provides it; of several instances, one. */
export const ormModule = (
  database: TestDatabase,
  { contextName, ...options }: Options & { contextName?: string } = {},
) =>
  MikroOrmModule.forRoot({
    driver: PostgreSqlDriver,
    ...database.ormOptions(),
    ...options,
    ...(contextName === undefined ? {} : { contextName, registerRequestContext: false }),
  });

/**
 * Stands in for the host's authentication: the bearer token is the identity itself, as `tenant/user`, with a `!` behind it for
 * an admin. No token: a public request.
 */
@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    request.user = token === undefined ? undefined : parseIdentity(decodeURIComponent(token));
    return true;
  }
}

export const resolver = (context: ExecutionContext): TenantIdentity | undefined =>
  context.switchToHttp().getRequest().user;

/** The header that identifies a user. */
export const bearer = (tenantId: string, userId?: string, isAdmin = false): string =>
  `Bearer ${encodeURIComponent(`${tenantId}/${userId ?? ''}${isAdmin ? '!' : ''}`)}`;

function parseIdentity(token: string): TenantIdentity {
  const [, tenantId = '', userId = '', admin] = /^([\s\S]*)\/([^/]*?)(!?)$/.exec(token) ?? [];
  return { tenantId, userId: userId === '' ? undefined : userId, isAdmin: admin === '!' };
}
