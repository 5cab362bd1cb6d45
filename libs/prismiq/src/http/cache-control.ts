/** What one user may see belongs in no shared cache; the user's own cache has to ask whether it is still true. */
export const CACHE_CONTROL = 'private, no-cache';
