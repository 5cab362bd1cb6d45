import { SetMetadata, type ExecutionContext } from '@nestjs/common';

/** Answers that depend on the user must not be in a shared cache; the user's own cache must revalidate them. */
export const CACHE_CONTROL = 'private, no-cache';

/** The rows of the tenant's tables belong in no cache that Prismiq does not know. */
export const NO_STORE = 'no-store';

const KEY = 'prismiq:cache-control';

/** Sets the header of a controller, or of one of its routes, in place of {@link CACHE_CONTROL}. */
export const CacheControl = (value: string): ClassDecorator & MethodDecorator => SetMetadata(KEY, value);

/** What {@link CacheControl} says of the route of a request. */
export const readCacheControl = (context: ExecutionContext): string =>
  (Reflect.getMetadata(KEY, context.getHandler()) as string | undefined) ??
  (Reflect.getMetadata(KEY, context.getClass()) as string | undefined) ??
  CACHE_CONTROL;
