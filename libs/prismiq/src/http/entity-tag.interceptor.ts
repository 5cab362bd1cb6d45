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
import { namesVersion, toEntityTag } from './entity-tags.js';

interface TaggedRequest {
  method: string;
  headers: IncomingHttpHeaders;
}

/**
 * Gives each answer that has a version its entity tag, of a widget the one of its dashboard. Who has read that version already is
 * told so with 304: after the handler, and so by the same access rule.
 */
@Injectable()
export class EntityTagInterceptor implements NestInterceptor {
  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((body: unknown) => {
        const version = versionOf(body);
        if (version !== undefined) {
          this.tag(context, version);
        }
        return body;
      }),
    );
  }

  private tag(context: ExecutionContext, version: number): void {
    const http = context.switchToHttp();
    const { method, headers } = http.getRequest<TaggedRequest>();
    const { httpAdapter } = this.adapterHost;
    const response: unknown = http.getResponse();
    httpAdapter.setHeader(response, 'ETag', toEntityTag(version));
    // What one user may see is in no shared cache, and in his own only to be asked for again.
    httpAdapter.setHeader(response, 'Cache-Control', 'private, no-cache');
    const ifNoneMatch = headers['if-none-match'];
    if (ifNoneMatch !== undefined && ['GET', 'HEAD'].includes(method) && namesVersion(ifNoneMatch, version)) {
      throw new HttpException('Not Modified', 304);
    }
  }
}

function versionOf(body: unknown): number | undefined {
  const { version, dashboard_version = version } = (body ?? {}) as { version?: unknown; dashboard_version?: unknown };
  return typeof dashboard_version === 'number' ? dashboard_version : undefined;
}
