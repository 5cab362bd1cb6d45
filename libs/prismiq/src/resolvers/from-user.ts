import { carrierOf } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/** The name of a member of the user, or a function of the user. */
export type Claim<User, Value> = (keyof User & string) | ((user: User) => Value | undefined | null);

/** Where a tenant identity stands in a host's user. @publicApi */
export interface UserClaims<User> {
  /** Of a number, the text is taken. */
  tenantId: Claim<User, string | number | bigint>;
  /**
   * Of a number, the text is taken.
   * @default no user: nothing but what is public can be seen
   */
  userId?: Claim<User, string | number | bigint> | undefined;
  /**
   * Only `true` makes an admin.
   * @default nobody is one
   */
  isAdmin?: Claim<User, boolean> | undefined;
}

/**
 * The tenant of the authenticated user: `request.user`, as Passport and most guards leave it; of a gateway `client.user` or
 * `client.data.user`, of a message `user` in its context. No user, or one without a tenant: no tenant.
 *
 * The source to prefer: it is the only one that the caller has proved.
 *
 * @example `fromUser<JwtUser>({ tenantId: 'org', userId: 'sub', isAdmin: (user) => user.roles.includes('admin') })`
 * @publicApi
 */
export const fromUser =
  // oxlint-disable-next-line typescript/no-explicit-any -- a user of unknown type may have any member
  <User = any>({ tenantId, userId, isAdmin }: UserClaims<NoInfer<User>>): ResolveTenant =>
    (context) => {
      const user = carrierOf(context)?.user as User | undefined | null;
      if (user == null) {
        return undefined;
      }
      const tenant = textOf(claimOf(user, tenantId));
      return tenant == null
        ? undefined
        : {
            tenantId: tenant,
            userId: userId === undefined ? undefined : (textOf(claimOf(user, userId)) ?? undefined),
            isAdmin: isAdmin !== undefined && claimOf(user, isAdmin) === true,
          };
    };

const claimOf = <User, Value>(user: User, claim: Claim<User, Value>): unknown =>
  typeof claim === 'function' ? claim(user) : user[claim];

/** What is no text and no number is refused later, with its type. */
const textOf = (value: unknown): string | undefined | null =>
  typeof value === 'number' || typeof value === 'bigint' ? String(value) : (value as string | undefined | null);
