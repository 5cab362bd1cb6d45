/** Beyond any list that a client has a use for. */
const MAX_HEADER = 4096;

export const toEntityTag = (version: number): string => `"${version}"`;

/** One element of a list, which may be empty (RFC 9110, 5.6.1 and 8.8.3). */
const ELEMENT = /[ \t]*(?:(?:W\/)?"([\u0021\u0023-\u007e\u0080-\u00ff]*)"[ \t]*)?(?:,|$)/y;

/**
 * A version as proxies hand its tag on when they compress: nginx marks it as weak, Apache (`"3-gzip"`) and Jetty (`"3--gzip"`)
 * append the coding. It still names that version, since a version does not depend on how a body is encoded.
 */
const VERSION = /^([1-9]\d{0,9})(?:(?:--?|;)[a-z]+)?$/;

/**
 * Reads the versions that If-Match or If-None-Match names. Tags that are not ours name none.
 *
 * @returns `'*'` for any version, `undefined` if the header is not a list of entity tags
 */
export function parseVersions(header: string): number[] | '*' | undefined {
  if (header.length > MAX_HEADER) {
    return undefined;
  }
  if (header.trim() === '*') {
    return '*';
  }
  const versions: number[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < header.length) {
    const element = ELEMENT.exec(header);
    if (element === null) {
      return undefined;
    }
    const version = VERSION.exec(element[1] ?? '')?.[1];
    if (version !== undefined) {
      versions.push(Number(version));
    }
  }
  return versions;
}
