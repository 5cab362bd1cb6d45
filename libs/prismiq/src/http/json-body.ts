import { createParamDecorator, UnsupportedMediaTypeException, type ExecutionContext } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';

interface BodyRequest {
  headers: IncomingHttpHeaders;
  body?: unknown;
}

/**
 * The body of a request, which must be JSON: what a form of a foreign page can send, without asking by CORS whether it may, is no
 * body of ours, though a host's parsers read it.
 */
export const JsonBody = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  const { headers, body } = context.switchToHttp().getRequest<BodyRequest>();
  if (hasContent(headers) && !/^\s*application\/([^\s;]+\+)?json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new UnsupportedMediaTypeException('The body must be of type application/json');
  }
  return body;
});

/** Whether a request has a body, by what its headers say. */
export const hasContent = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
