/** Answers that depend on the user must not be in a shared cache; the user's own cache must revalidate them. */
export const CACHE_CONTROL = 'private, no-cache';
