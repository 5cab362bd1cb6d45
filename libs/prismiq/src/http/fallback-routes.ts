import {
  BadRequestException,
  HttpException,
  Inject,
  Injectable,
  MethodNotAllowedException,
  NotFoundException,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { ResolvedControllersOptions } from '../options/resolve-controllers.js';
import { getApplicationConfig, mountedPaths, type MountedPaths } from './nest-adapter.js';
import { PrismiqExceptionFilter } from './prismiq-exception.filter.js';

/** The part of Express that is used. */
interface Express {
  use(paths: string[], handler: (...args: any[]) => void): void;
}

/** The part of Fastify that is used. */
interface Fastify {
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): void;
  hasRoute(route: { method: string; url: string }): boolean;
  route(route: FastifyRoute): void;
}
interface FastifyRoute {
  method: string | string[];
  url: string;
  handler: (this: unknown, request: any, reply: any) => unknown;
  errorHandler?: (error: Error, request: any, reply: any) => void;
}

/** HEAD comes with GET; OPTIONS belongs to the host's CORS. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Answers requests below the mount path that reach no filter of a controller, in the format of Prismiq's client: those that
 * the body parser refuses, unknown paths, wrong methods. Runs after the host's routes, and before the host's own 404.
 */
@Injectable()
export class FallbackRoutes {
  #paths: MountedPaths = { mounts: [], findMethods: () => [] };

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(PrismiqExceptionFilter) private readonly filter: PrismiqExceptionFilter,
  ) {}

  get isFastify(): boolean {
    return this.adapterHost.httpAdapter.getType() === 'fastify';
  }

  /** Call it before Nest makes the routes. */
  beforeRoutes(controllers: readonly Type[], { path, version }: ResolvedControllersOptions): void {
    this.#paths = mountedPaths(getApplicationConfig(this.moduleRef), controllers, path, version);
    if (this.isFastify) {
      this.instance<Fastify>().addHook('onRoute', (route) => this.adaptFastifyRoute(route));
    }
  }

  /** Call it when Nest has made the routes. */
  afterRoutes(): void {
    const { mounts } = this.#paths;
    if (mounts.length === 0) {
      return;
    }
    if (this.adapterHost.httpAdapter.getType() === 'express') {
      const express = this.instance<Express>();
      express.use(mounts, (request, response, next: () => void) =>
        METHODS.includes(request.method) ? this.refuse(request, response) : next(),
      );
      express.use(mounts, (error: unknown, request: unknown, response: unknown, _next: unknown) =>
        this.fail(error, request, response),
      );
    }
    if (this.isFastify) {
      const fastify = this.instance<Fastify>();
      for (const url of mounts.flatMap((mount) => [mount, `${mount}/*`])) {
        // Two registrations may share a path and differ in their version.
        const method = METHODS.filter((method) => !fastify.hasRoute({ method, url }));
        if (method.length > 0) {
          fastify.route({
            method,
            url,
            handler: (request, reply) => this.refuse(request, reply),
            // Faults in the body of a request that has no route do not matter.
            errorHandler: (_, request, reply) => this.refuse(request, reply),
          });
        }
      }
    }
  }

  private instance<T>(): T {
    return this.adapterHost.httpAdapter.getInstance<T>();
  }

  private adaptFastifyRoute(route: FastifyRoute): void {
    if (!this.#paths.mounts.some((mount) => `${route.url}/`.startsWith(`${mount}/`))) {
      return;
    }
    // Nest's handlers answer their own errors: this one gets those of the body parser.
    route.errorHandler ??= (error, request, reply) => this.fail(error, request, reply);
    const { handler } = route;
    // Fastify takes an empty segment for a parameter, Nest does not.
    route.handler = (request, reply) =>
      Object.values(request.params as object).includes('') && !route.url.endsWith('*')
        ? this.refuse(request, reply)
        : handler(request, reply);
  }

  private refuse(request: unknown, response: unknown): void {
    const { httpAdapter } = this.adapterHost;
    const [path] = httpAdapter.getRequestUrl(request).split('?') as [string];
    const allowed = this.#paths.findMethods(path);
    if (allowed.length === 0 || allowed.includes(httpAdapter.getRequestMethod(request))) {
      this.filter.answer(new NotFoundException('Not Found'), request, response);
      return;
    }
    httpAdapter.setHeader(response, 'Allow', allowed.join(', '));
    this.filter.answer(new MethodNotAllowedException('Method Not Allowed'), request, response);
  }

  private fail(error: unknown, request: unknown, response: unknown): void {
    this.filter.answer(
      tooLarge(error, request) ?? aborted(error) ?? this.adapterHost.httpAdapter.mapException?.(error) ?? error,
      request,
      response,
    );
  }
}

/** Names size and limit, which the platforms' own errors do not. The length of a compressed body is not the size that counts. */
function tooLarge(error: unknown, request: unknown): HttpException | undefined {
  const { statusCode, limit } = error as { statusCode?: number; limit?: number };
  if (statusCode !== 413) {
    return undefined;
  }
  const { headers, routeOptions } = request as {
    headers: Record<string, string | undefined>;
    routeOptions?: { bodyLimit?: number };
  };
  const allowed = limit ?? routeOptions?.bodyLimit;
  const length = (headers['content-encoding'] ?? 'identity') === 'identity' ? headers['content-length'] : undefined;
  return new HttpException(
    `Too large: the body has ${length ?? `more than ${allowed}`} bytes, and ${allowed} are allowed.`,
    413,
  );
}

/** A client that closes its connection in the middle of a body is not a fault of the server. Express has an error of status 400. */
const aborted = (error: unknown): HttpException | undefined =>
  (error as { code?: string }).code === 'ECONNRESET' ? new BadRequestException('The request was aborted') : undefined;
