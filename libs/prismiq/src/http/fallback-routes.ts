import {
  HttpException,
  Inject,
  Injectable,
  MethodNotAllowedException,
  NotFoundException,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { ResolvedControllersOptions } from '../options/resolve-options.js';
import { applicationConfigOf, mountedPaths, type MountedPaths } from './nest-adapter.js';
import { PrismiqExceptionFilter } from './prismiq-exception.filter.js';

/** What is used of Express. */
interface Express {
  use(paths: string[], handler: (...args: any[]) => void): void;
}

/** What is used of Fastify. */
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

/** Not HEAD, which comes with GET, and not OPTIONS, which is the host's CORS. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Answers below the mount path, in the form of Prismiq's client, what no filter of a controller gets to see: what the body parser
 * refuses, unknown paths, wrong methods. It comes after the host's routes, and before what the host answers for itself.
 */
@Injectable()
export class FallbackRoutes {
  #paths: MountedPaths = { mounts: [], methodsOf: () => [] };

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(PrismiqExceptionFilter) private readonly filter: PrismiqExceptionFilter,
  ) {}

  get isFastify(): boolean {
    return this.adapterHost.httpAdapter.getType() === 'fastify';
  }

  /** To be called before Nest makes the routes. */
  beforeRoutes(controllers: readonly Type[], { path, version }: ResolvedControllersOptions): void {
    this.#paths = mountedPaths(applicationConfigOf(this.moduleRef), controllers, path, version);
    if (this.isFastify) {
      this.instance<Fastify>().addHook('onRoute', (route) => this.adaptFastifyRoute(route));
    }
  }

  /** To be called when Nest has made the routes. */
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
            // What is wrong with the body of a request that has no route is of no interest.
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
    // Nest's handlers answer for themselves: what comes here is of the parser.
    route.errorHandler ??= (error, request, reply) => this.fail(error, request, reply);
    const { handler } = route;
    // For Fastify an empty segment is a parameter, for Nest it is none.
    route.handler = (request, reply) =>
      Object.values(request.params as object).includes('') && !route.url.endsWith('*')
        ? this.refuse(request, reply)
        : handler(request, reply);
  }

  private refuse(request: unknown, response: unknown): void {
    const { httpAdapter } = this.adapterHost;
    const [path] = httpAdapter.getRequestUrl(request).split('?') as [string];
    const allowed = this.#paths.methodsOf(path);
    if (allowed.length === 0 || allowed.includes(httpAdapter.getRequestMethod(request))) {
      this.filter.answer(new NotFoundException('Not Found'), request, response);
      return;
    }
    httpAdapter.setHeader(response, 'Allow', allowed.join(', '));
    this.filter.answer(new MethodNotAllowedException('Method Not Allowed'), request, response);
  }

  private fail(error: unknown, request: unknown, response: unknown): void {
    this.filter.answer(
      tooLarge(error, request) ?? this.adapterHost.httpAdapter.mapException?.(error) ?? error,
      request,
      response,
    );
  }
}

/** Where the body was too large: neither platform says how large it was, and may be. */
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
  const size = headers['content-length'] ?? `more than ${allowed}`;
  return new HttpException(`Too large: the body has ${size} bytes, and ${allowed} are allowed.`, 413);
}
