import { TenantMismatchError } from '../errors/tenancy.errors.js';
import { carrierOf, type RequestLike } from '../tenancy/request-like.js';
import type { ResolveTenant } from '../tenancy/tenant-resolver.js';

/**
 * The tenant that a header names; of a gateway, a header of its handshake.
 *
 * **Anybody can send any header.** Use it alone only behind a gateway that authenticates the caller and sets, or removes, this
 * header on every request; else in {@link allAgree}, behind the authenticated user.
 *
 * @throws TenantMismatchError where the header comes twice, with different values
 * @publicApi
 */
export const fromHeader =
  (name: string): ResolveTenant =>
  (context) => {
    const [tenantId, ...others] = new Set(valuesOf(carrierOf(context), name.toLowerCase()));
    if (others.length > 0) {
      throw new TenantMismatchError(`${name} header, which was sent more than once,`);
    }
    return tenantId === undefined || tenantId === '' ? undefined : { tenantId };
  };

/** Node joins a header that comes twice into one text; a proxy that appends its own to a forged one must not make a third of them. */
function valuesOf(carrier: RequestLike | undefined, name: string): string[] {
  const request = carrier?.raw ?? (carrier as RequestLike['raw']);
  const value = request?.headersDistinct?.[name] ?? carrier?.headers?.[name];
  return value === undefined ? [] : [value].flat();
}
