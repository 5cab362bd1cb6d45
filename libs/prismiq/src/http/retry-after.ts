import type { HttpServer } from '@nestjs/common';
import { PrismiqError } from '../errors/prismiq.error.js';

/** Tells the client when to try again, if an error knows it. */
export function setRetryAfter(adapter: Pick<HttpServer, 'setHeader'>, response: unknown, error: unknown): void {
  if (error instanceof PrismiqError && error.retryAfterSeconds !== undefined) {
    adapter.setHeader?.(response, 'Retry-After', String(error.retryAfterSeconds));
  }
}
