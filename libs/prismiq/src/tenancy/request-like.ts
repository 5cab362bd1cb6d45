import type { IncomingMessage } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';

/** What carries a call to its handler, in the parts from which a tenant can be told. */
export interface RequestLike {
  /** Whom the host's guards have put there. */
  readonly user?: unknown;
  readonly headers?: IncomingMessage['headers'] | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** Without a port; behind a proxy that the host trusts, what that proxy was asked for. */
  readonly hostname?: string | undefined;
  /** Node's request: Fastify wraps it, Express extends it. */
  readonly raw?: IncomingMessage | undefined;
}

/** The HTTP request of a call, GraphQL's included; nothing for messages and events. */
export function requestOf(context: ExecutionContext): RequestLike | undefined {
  const type = context.getType<string>();
  if (type === 'http') {
    return context.switchToHttp().getRequest<RequestLike>();
  }
  return type === 'graphql' ? context.getArgByIndex<{ req?: RequestLike } | undefined>(2)?.req : undefined;
}

interface WebSocketClient {
  user?: unknown;
  data?: { user?: unknown };
  handshake?: { headers?: IncomingMessage['headers'] };
}

/** What carries any call: its request, the client of a gateway with the headers of its handshake, or the context of a message. */
export function carrierOf(context: ExecutionContext): RequestLike | undefined {
  const type = context.getType<string>();
  if (type === 'ws') {
    const { user, data, handshake } = context.switchToWs().getClient<WebSocketClient>();
    return { user: user ?? data?.user, headers: handshake?.headers };
  }
  return type === 'rpc' ? context.switchToRpc().getContext<RequestLike | undefined>() : requestOf(context);
}
