const known = new Set<string>();

/** Whether a text is an IANA time zone that Node knows. Not an offset such as `+02:00`, which PostgreSQL takes for the opposite. */
export function isTimeZone(name: unknown): name is string {
  if (typeof name !== 'string' || !/^[A-Za-z]/.test(name)) {
    return false;
  }
  try {
    // To ask takes long, and a host's function returns the same few names with every query.
    if (!known.has(name)) {
      Intl.DateTimeFormat('en', { timeZone: name });
      known.add(name);
    }
    return true;
  } catch {
    return false;
  }
}
