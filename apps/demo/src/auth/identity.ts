import type { ExecutionContext } from '@nestjs/common';

/** Who sends a request, as proved by his token. */
export interface Identity {
  tenantId: string;
  userId: string;
  isAdmin: boolean;
}

/** A request after {@link JwtAuthGuard}; without `user` where the route is public. */
export interface AuthenticatedRequest {
  headers: { authorization?: string };
  user?: Identity;
}

/** The identity that the guard has proved. Prismiq's `resolver`: what it needs to know of a request is this and no more. */
export function identityOf(context: ExecutionContext): Identity | undefined {
  return context.switchToHttp().getRequest<AuthenticatedRequest>().user;
}
