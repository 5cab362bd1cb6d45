import type { ConvertValue, QueryValue } from './value-types.js';

/** An opening or closing brace, a quoted element, or a plain one. */
const TOKEN = /[{}]|"((?:[^"\\]|\\.)*)"|[^{}",]+/gs;

/** The bounds that stand before an array whose indexes do not begin at 1: `[0:1]={a,b}`. */
const BOUNDS = /^[[\]\d:+-]+=/;

/** Reads an array as PostgreSQL writes it, such as `{a,"b, c",NULL}`, of any number of dimensions. */
export function parseArray(text: string, convert: ConvertValue): QueryValue[] {
  const root: QueryValue[] = [];
  const open = [root];
  for (const [token, quoted] of text.replace(BOUNDS, '').matchAll(TOKEN)) {
    if (token === '{') {
      const inner: QueryValue[] = [];
      open.at(-1)!.push(inner);
      open.push(inner);
    } else if (token === '}') {
      open.pop();
    } else if (quoted !== undefined) {
      open.at(-1)!.push(convert(quoted.replaceAll(/\\(.)/gs, '$1')));
    } else {
      open.at(-1)!.push(token === 'NULL' ? null : convert(token));
    }
  }
  return (root[0] ?? []) as QueryValue[];
}
