/** What a token says, besides when it expires. */
export interface TokenPayload {
  tenant: string;
  /** The user's name within the tenant. */
  sub: string;
  admin: boolean;
}
