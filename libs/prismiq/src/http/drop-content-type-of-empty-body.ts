import type { IncomingMessage } from 'node:http';
import { hasContent } from './json-body.js';

/**
 * Middleware that removes the content type of requests without content. Prismiq's client sends one with every request, even with
 * DELETE, and Fastify refuses that.
 *
 * @publicApi
 */
export function dropContentTypeOfEmptyBody({ headers }: IncomingMessage, _response: unknown, next: () => void): void {
  if (!hasContent(headers)) {
    delete headers['content-type'];
  }
  next();
}
