import { fromUser } from '@prismiq/nestjs';

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

/** Prismiq's `resolver`: what it needs to know of a request is the identity that the guard has proved, and no more. */
export const identityOf = fromUser<Identity>({ tenantId: 'tenantId', userId: 'userId', isAdmin: 'isAdmin' });
