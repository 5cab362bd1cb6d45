import type { IncomingMessage } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';

/** The parts of a request, or of its substitute, from which a tenant can be resolved. */
export interface RequestLike {
  /** Set by the host's guards. */
  readonly user?: unknown;
  readonly headers?: IncomingMessage['headers'] | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** Without the port; behind a trusted proxy, the host name that the client asked for. */
  readonly hostname?: string | undefined;
  /** Node's request, which Fastify wraps and Express extends. */
  readonly raw?: IncomingMessage | undefined;
}

/** The HTTP request, of GraphQL too; `undefined` for messages and events. */
export function getHttpRequest(context: ExecutionContext): RequestLike | undefined {
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

/** The HTTP request, the client of a gateway with the headers of its handshake, or the context of a message. */
export function getRequestLike(context: ExecutionContext): RequestLike | undefined {
  const type = context.getType<string>();
  if (type === 'ws') {
    const { user, data, handshake } = context.switchToWs().getClient<WebSocketClient>();
    return { user: user ?? data?.user, headers: handshake?.headers };
  }
  return type === 'rpc' ? context.switchToRpc().getContext<RequestLike | undefined>() : getHttpRequest(context);
}
