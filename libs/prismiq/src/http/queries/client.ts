import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ServerResponse } from 'node:http';

/** Who waits for the answer. An interface, since a host's pipes look at the class of a parameter. */
export interface WaitingClient {
  /** Aborted when the client closes the connection before it has the answer: nobody needs the result any more. */
  readonly signal: AbortSignal;
}

/** Gives a handler's parameter the {@link WaitingClient}. */
export const Client = createParamDecorator((_: unknown, context: ExecutionContext): WaitingClient => {
  const response = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
  const raw = response.raw ?? response;
  const controller = new AbortController();
  const abort = (): void => controller.abort(new BadRequestException('The request was aborted'));
  if (raw.destroyed || raw.closed) {
    abort();
  } else {
    raw.once('close', () => {
      if (!raw.writableFinished) {
        abort();
      }
    });
  }
  return { signal: controller.signal };
});
