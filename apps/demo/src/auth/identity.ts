import { fromUser } from '@prismiq/nestjs';

/** The user who sends a request, as their token proves. */
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

/** Prismiq's `resolver`. It needs nothing of a request but the identity that the guard has verified. */
export const resolveIdentity = fromUser<Identity>({ tenantId: 'tenantId', userId: 'userId', isAdmin: 'isAdmin' });
