import { Catch, HttpException, Injectable, Logger, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { throwError } from 'rxjs';
import { PrismiqError } from '../errors/prismiq.error.js';
import { setRetryAfter } from './retry-after.js';

/** What is used of a socket: of `ws`, and of Socket.IO. */
interface Socket {
  readyState?: number;
  send(text: string): void;
  emit(event: string, payload: unknown): void;
}

/**
 * Answers Prismiq's errors on the host's own routes, GraphQL resolvers, message handlers and gateways: with their `code`, and with
 * `clientMessage` in place of a text for developers. Logs a refusal without its stack, and a fault of the server as an error. All
 * other errors are left to the host. Nothing of Prismiq's registers it; Prismiq's REST controllers have a filter of their own.
 *
 * @example `{ provide: APP_FILTER, useClass: PrismiqErrorFilter }` among the providers of a module
 * @publicApi
 */
@Catch(PrismiqError)
@Injectable()
export class PrismiqErrorFilter extends BaseExceptionFilter<PrismiqError> {
  readonly #logger = new Logger('Prismiq');

  override catch(error: PrismiqError, host: ArgumentsHost): unknown {
    this.log(error);
    const { clientMessage: message, statusCode } = error;
    const { code } = error.extensions;
    switch (host.getType<string>()) {
      case 'graphql':
        return Object.assign(new Error(message, { cause: error }), { extensions: error.extensions });
      case 'rpc':
        return throwError(() => ({ status: 'error', message, code }));
      case 'ws':
        return emitException(host.switchToWs().getClient<Socket>(), { status: 'error', message, code });
      default:
        this.setRetryAfter(error, host);
        // oxlint-disable-next-line promise/valid-params -- a filter, and not a promise
        return super.catch(new HttpException({ statusCode, message, code }, statusCode) as never, host);
    }
  }

  private setRetryAfter(error: PrismiqError, host: ArgumentsHost): void {
    const adapter = this.applicationRef ?? this.httpAdapterHost?.httpAdapter;
    const response: unknown = host.switchToHttp().getResponse();
    if (adapter?.isHeadersSent(response) === false) {
      setRetryAfter(adapter, response, error);
    }
  }

  private log(error: PrismiqError): void {
    if (error.expose) {
      return;
    }
    if (error.statusCode >= 500) {
      this.#logger.error(error.message, error.stack);
    } else {
      this.#logger.warn(error.message);
    }
  }
}

/** As Nest's own filter does; a socket of `ws` is an event emitter too, whose `emit` sends nothing. */
function emitException(client: Socket, payload: object): void {
  if (typeof client.readyState === 'number') {
    client.send(JSON.stringify({ event: 'exception', data: payload }));
  } else {
    client.emit('exception', payload);
  }
}
