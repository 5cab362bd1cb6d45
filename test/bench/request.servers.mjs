// A server of the benchmark, in a process of its own: `node --expose-gc request.servers.mjs <contender> <database url>`.
import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Scope, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import { TenantContext, TenantGuard, TenantInterceptor } from '@prismiq/nestjs';
import { hostModule } from './support/host.mjs';

/** Stands in for the host's authentication, in all servers alike. */
class AuthGuard {
  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [tenantId, userId] = request.headers.authorization.slice('Bearer '.length).split('/');
    request.user = { tenantId, userId };
    return true;
  }
}

/** A controller of one route, which says whose request it is; decorated by hand, as plain JavaScript has no decorators. */
function controller(whose, dependencies, guards, ...decorators) {
  class WhoseController {
    constructor(...injected) {
      this.injected = injected;
    }
  }
  const { prototype } = WhoseController;
  prototype.whose = whose;
  dependencies.forEach((dependency, index) => Inject(dependency)(WhoseController, undefined, index));
  Get('whose')(prototype, 'whose', Object.getOwnPropertyDescriptor(prototype, 'whose'));
  [Controller(), UseGuards(AuthGuard, ...guards), ...decorators].forEach((decorate) => decorate(WhoseController));
  return WhoseController;
}

/** No tenancy: a handler that does nothing, and knows no tenant. */
const plain = (url) => ({
  ...hostModule(url, 1),
  controllers: [controller(() => ({ tenantId: 'acme' }), [], [])],
});

/** The package: singletons, and the tenant in the asynchronous context. */
const ours = (url, guards, ...decorators) => ({
  ...hostModule(url, 1, {
    resolver: (context) => context.switchToHttp().getRequest().user,
    // Any tenant exists: whether one does is not what is measured here.
    directory: { find: (tenantId) => ({ tenantId }), list: () => [] },
  }),
  controllers: [
    controller(
      function whose() {
        return { tenantId: this.injected[0].require().tenantId };
      },
      [TenantContext],
      guards,
      ...decorators,
    ),
  ],
});

/** A provider that is created for each request, with its dependency. */
function scoped(below) {
  class Link {
    constructor(injected) {
      this.below = injected;
    }
  }
  Injectable({ scope: Scope.REQUEST })(Link);
  Inject(below)(Link, undefined, 0);
  return Link;
}

/** What Nest's documentation shows: the request is injected, and all its dependents become request-scoped: a chain of three. */
const requestScope = (url) => {
  const tenant = scoped(REQUEST);
  const repository = scoped(tenant);
  const service = scoped(repository);
  return {
    ...hostModule(url, 1),
    controllers: [
      controller(
        function whose() {
          return { tenantId: this.injected[0].below.below.below.user.tenantId };
        },
        [service],
        [],
      ),
    ],
    providers: [tenant, repository, service],
  };
};

const CONTENDERS = {
  plain,
  ours: (url) => ours(url, [TenantGuard]),
  oursByInterceptor: (url) => ours(url, [], UseInterceptors(TenantInterceptor)),
  requestScope,
};
const [contender, url] = process.argv.slice(2);
const app = await NestFactory.create(CONTENDERS[contender](url), { logger: ['error'] });
// A connection waits for its turn longer than Node would keep it.
app.getHttpServer().keepAliveTimeout = 0;
await app.listen(0, '127.0.0.1');
process.on('message', () => {
  globalThis.gc();
  globalThis.gc();
  process.send(process.memoryUsage().heapUsed);
});
process.send(app.getHttpServer().address().port);
process.once('disconnect', () => process.exit());
