import type { IncomingMessage } from 'node:http';

/**
 * Middleware. Prismiq's client names a content type on every request, also where there is no content, as on DELETE. Fastify
 * refuses that; without the header it does not look for a body.
 *
 * @publicApi
 */
export function ignoreTypeOfNoBody({ headers, method }: IncomingMessage, _response: unknown, next: () => void): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  if (method === 'DELETE' && encoding === undefined && length === '0') {
    delete headers['content-type'];
  }
  next();
}
