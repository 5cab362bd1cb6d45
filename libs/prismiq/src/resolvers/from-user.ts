import { getRequestLike } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/** The name of a property of the user, or a function of the user. */
export type Claim<User, Value> = (keyof User & string) | ((user: User) => Value | undefined | null);

/** Which properties of a host's user hold the tenant identity. @publicApi */
export interface UserClaims<User> {
  /** A number is converted to a string. */
  tenantId: Claim<User, string | number | bigint>;
  /**
   * A number is converted to a string.
   * @default no user: only public records are visible
   */
  userId?: Claim<User, string | number | bigint> | undefined;
  /**
   * Only `true` makes an admin.
   * @default no user is an admin
   */
  isAdmin?: Claim<User, boolean> | undefined;
}

/**
 * Resolves the tenant of the authenticated user: `request.user`, as Passport and most guards set it; `client.user` or
 * `client.data.user` of a gateway; `user` in the context of a message. Without a user, or without a tenant in it, there is no tenant.
 *
 * Prefer this source: it is the only one that is authenticated.
 *
 * @example `fromUser<JwtUser>({ tenantId: 'org', userId: 'sub', isAdmin: (user) => user.roles.includes('admin') })`
 * @publicApi
 */
export const fromUser =
  // oxlint-disable-next-line typescript/no-explicit-any -- a user of unknown type may have any property
  <User = any>({ tenantId, userId, isAdmin }: UserClaims<NoInfer<User>>): ResolveTenant =>
    (context) => {
      const user = getRequestLike(context)?.user as User | undefined | null;
      if (user == null) {
        return undefined;
      }
      const tenant = toText(readClaim(user, tenantId));
      return tenant == null
        ? undefined
        : {
            tenantId: tenant,
            userId: userId === undefined ? undefined : (toText(readClaim(user, userId)) ?? undefined),
            isAdmin: isAdmin !== undefined && readClaim(user, isAdmin) === true,
          };
    };

const readClaim = <User, Value>(user: User, claim: Claim<User, Value>): unknown =>
  typeof claim === 'function' ? claim(user) : user[claim];

/** Other types are refused later, with a message that names the type. */
const toText = (value: unknown): string | undefined | null =>
  typeof value === 'number' || typeof value === 'bigint' ? String(value) : (value as string | undefined | null);
