import { createParamDecorator, UnsupportedMediaTypeException, type ExecutionContext } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';

interface BodyRequest {
  headers: IncomingHttpHeaders;
  body?: unknown;
}

/**
 * The body of a request, which must be JSON. The host's parsers may accept forms as well, which any foreign page can send without
 * the permission of CORS.
 */
export const JsonBody = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  const { headers, body } = context.switchToHttp().getRequest<BodyRequest>();
  if (hasContent(headers) && !/^\s*application\/([^\s;]+\+)?json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new UnsupportedMediaTypeException('The body must be of type application/json');
  }
  return body;
});

/** Whether a request has a body, according to its headers. */
export const hasContent = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
