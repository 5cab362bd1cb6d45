import {
  HttpException,
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import type { IncomingHttpHeaders } from 'node:http';
import { readCacheControl } from './cache-control.js';
import { parseVersions, toEntityTag } from './entity-tags.js';

interface TaggedRequest {
  method: string;
  headers: IncomingHttpHeaders;
}

/**
 * Gives each answer that has a version its entity tag; that of a widget is its dashboard's. Answers 304 to a client that has read
 * this version. It does so after the handler, so that the same access rule applies.
 */
@Injectable()
export class EntityTagInterceptor implements NestInterceptor {
  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const { httpAdapter } = this.adapterHost;
    const response: unknown = http.getResponse();
    httpAdapter.setHeader(response, 'Cache-Control', readCacheControl(context));
    return next.handle().pipe(
      map((body: unknown) => {
        const version = readVersion(body);
        if (version !== undefined) {
          httpAdapter.setHeader(response, 'ETag', toEntityTag(version));
          if (isKnown(http.getRequest<TaggedRequest>(), version)) {
            throw new HttpException('Not Modified', 304);
          }
        }
        return body;
      }),
    );
  }
}

function isKnown({ method, headers }: TaggedRequest, version: number): boolean {
  const versions = ['GET', 'HEAD'].includes(method) ? parseVersions(headers['if-none-match'] ?? '') : [];
  return versions === '*' || (versions ?? []).includes(version);
}

function readVersion(body: unknown): number | undefined {
  const { version, dashboard_version = version } = (body ?? {}) as { version?: unknown; dashboard_version?: unknown };
  return typeof dashboard_version === 'number' ? dashboard_version : undefined;
}
