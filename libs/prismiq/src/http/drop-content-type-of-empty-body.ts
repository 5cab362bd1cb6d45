import type { IncomingMessage } from 'node:http';
import { hasContent } from './json-body.js';

/**
 * Middleware. Prismiq's client names a content type on every request, also where there is no content, as on DELETE. Fastify
 * refuses that; without the header it does not look for a body.
 *
 * @publicApi
 */
export function dropContentTypeOfEmptyBody({ headers }: IncomingMessage, _response: unknown, next: () => void): void {
  if (!hasContent(headers)) {
    delete headers['content-type'];
  }
  next();
}
