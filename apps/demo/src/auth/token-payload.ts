/** The claims of a token, besides its expiry. */
export interface TokenPayload {
  tenant: string;
  /** The user's name within the tenant. */
  sub: string;
  admin: boolean;
}
