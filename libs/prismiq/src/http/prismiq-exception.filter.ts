import { randomUUID } from 'node:crypto';
import { Catch, Inject, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PrismiqError } from '../errors/prismiq.error.js';
import { CACHE_CONTROL } from './cache-control.js';
import { setRetryAfter } from './retry-after.js';
import { answerTo, answerToFailure } from './error-answer.js';

/**
 * Answers errors of Prismiq's own controllers in the format that its client reads, `{ detail }`. The host's routes keep the host's
 * format. A host that wants another format here sets its own filter: `decorators: [UseFilters(…)]`.
 *
 * @publicApi
 */
@Catch()
@Injectable()
export class PrismiqExceptionFilter implements ExceptionFilter {
  readonly #logger = new Logger('Prismiq');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest(), http.getResponse());
  }

  /** @internal */
  answer(error: unknown, request: unknown, response: unknown): void {
    const { httpAdapter } = this.adapterHost;
    const { status, body } = answerTo(error, httpAdapter.getRequestMethod(request)) ?? this.fail(error);
    if (error instanceof PrismiqError && !error.expose && status < 500) {
      // The client does not get this text; it tells the host's developers what to do.
      this.#logger.warn(error.message);
    }
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
    } else {
      // The interceptor has set it, where the request has come that far.
      if (httpAdapter.getHeader(response, 'Cache-Control') === undefined) {
        httpAdapter.setHeader(response, 'Cache-Control', CACHE_CONTROL);
      }
      setRetryAfter(httpAdapter, response, error);
      httpAdapter.reply(response, body, status);
    }
  }

  /** The log gets everything, the client an id to ask about. */
  private fail(error: unknown) {
    const requestId = randomUUID();
    this.#logger.error(`Request ${requestId} failed`, error instanceof Error ? error.stack : String(error));
    return answerToFailure(error, requestId);
  }
}
