import { TenantMismatchError } from '../errors/tenancy.errors.js';
import { getRequestLike, type RequestLike } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/**
 * Resolves the tenant that a header names. For WebSockets it reads the headers of the handshake.
 *
 * **Every client can send any header.** Use it alone only behind a proxy that authenticates the caller and sets or removes this header
 * on every request; otherwise in {@link allAgree}, after the authenticated user.
 *
 * @throws TenantMismatchError if the header is sent twice with different values
 * @publicApi
 */
export const fromHeader =
  (name: string): ResolveTenant =>
  (context) => {
    const [tenantId, ...others] = new Set(readHeader(getRequestLike(context), name.toLowerCase()));
    if (others.length > 0) {
      throw new TenantMismatchError(`${name} header, which was sent more than once,`);
    }
    return tenantId === undefined || tenantId === '' ? undefined : { tenantId };
  };

/** Each value by itself: Node joins those of a repeated header, so that a forged value and the proxy's would become a third one. */
function readHeader(requestLike: RequestLike | undefined, name: string): string[] {
  const request = requestLike?.raw ?? (requestLike as RequestLike['raw']);
  const value = request?.headersDistinct?.[name] ?? requestLike?.headers?.[name];
  return value === undefined ? [] : [value].flat();
}
