/** An entity tag is a version in quotes; those of somebody else's making match no version. */
export const toEntityTag = (version: number): string => `"${version}"`;

interface EntityTag {
  isWeak: boolean;
  opaque: string;
}

const LIST = /\s*(?:(W\/)?"([\u0021\u0023-\u007e\u0080-\u00ff]*)")?\s*(?:,|$)/y;

/**
 * The tags of If-Match or If-None-Match (RFC 9110, 8.8.3 and 13.1).
 *
 * @returns `undefined` where the header is no list of tags
 */
function parseTags(header: string): EntityTag[] | undefined {
  const tags: EntityTag[] = [];
  LIST.lastIndex = 0;
  while (LIST.lastIndex < header.length) {
    const match = LIST.exec(header);
    if (match === null) {
      return undefined;
    }
    const [, weak, opaque] = match;
    if (opaque !== undefined) {
      tags.push({ isWeak: weak !== undefined, opaque });
    }
  }
  return tags;
}

/**
 * The versions that If-Match names. By the strong comparison, which it asks for, a weak tag matches nothing.
 *
 * @returns `'*'` for any version, `undefined` where the header is no list of tags
 */
export function versionsOf(header: string): number[] | '*' | undefined {
  if (header.trim() === '*') {
    return '*';
  }
  return parseTags(header)
    ?.filter(({ isWeak, opaque }) => !isWeak && /^[1-9]\d{0,9}$/.test(opaque))
    .map(({ opaque }) => Number(opaque));
}

/** Whether If-None-Match names a version, by the weak comparison, which it asks for. */
export const namesVersion = (header: string, version: number): boolean =>
  header.trim() === '*' || (parseTags(header) ?? []).some(({ opaque }) => opaque === String(version));
