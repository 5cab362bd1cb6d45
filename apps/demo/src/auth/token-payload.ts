/** The claims of a token, except its expiry. */
export interface TokenPayload {
  tenant: string;
  /** The user's name within the tenant. */
  sub: string;
  admin: boolean;
}
