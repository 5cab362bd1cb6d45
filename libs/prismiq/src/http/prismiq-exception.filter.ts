import { randomUUID } from 'node:crypto';
import { Catch, HttpException, Inject, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PrismiqError } from '../errors/prismiq.error.js';
import { InvalidDocumentError } from '../errors/record.errors.js';
import { TenantRequiredError } from '../errors/tenancy.errors.js';
import { toWirePath } from './wire.js';

interface ErrorBody {
  /** What Prismiq's client shows: a text or, for status 422, the faults. */
  detail: unknown;
  code?: string;
  request_id?: string;
}

/**
 * Answers errors of Prismiq's own controllers in the form that its client reads, `{ detail }`. A host's routes keep the host's
 * form.
 *
 * @publicApi
 */
@Catch()
export class PrismiqExceptionFilter implements ExceptionFilter {
  readonly #logger = new Logger('Prismiq');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const { status, body } = this.toAnswer(error);
    const response: unknown = host.switchToHttp().getResponse();
    const { httpAdapter } = this.adapterHost;
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
    } else {
      httpAdapter.reply(response, body, status);
    }
  }

  private toAnswer(error: unknown): { status: number; body: ErrorBody } {
    if (error instanceof InvalidDocumentError) {
      const detail = error.issues.map(({ type, path, message, input }) => ({
        type,
        loc: toWirePath(path),
        msg: message,
        input,
      }));
      return { status: error.statusCode, body: { detail, code: error.code } };
    }
    if (error instanceof PrismiqError && error.statusCode < 500) {
      if (!error.expose) {
        // What the host's developer has to mend: the client does not get to read it.
        this.#logger.warn(error.message);
      }
      return { status: error.statusCode, body: { detail: detailOf(error), code: error.code } };
    }
    if (error instanceof HttpException) {
      return { status: error.getStatus(), body: { detail: error.message } };
    }
    return this.unexpected(error);
  }

  /** The log gets everything, the client a number with which to ask. */
  private unexpected(error: unknown): { status: number; body: ErrorBody } {
    const status = error instanceof PrismiqError ? error.statusCode : 500;
    const request_id = randomUUID();
    this.#logger.error(`Request ${request_id} failed`, error instanceof Error ? error.stack : String(error));
    const detail = status === 503 ? 'The service is not available at the moment' : 'Internal server error';
    return { status, body: { detail, request_id } };
  }
}

/** Some messages tell the host's developer what to do, with names of schemas: the client gets less. */
function detailOf(error: PrismiqError): string {
  if (error.expose) {
    return error.message;
  }
  return error instanceof TenantRequiredError ? 'No tenant: the request belongs to none' : 'Unknown tenant';
}
