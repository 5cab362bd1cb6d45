/** An element of an array: a value, NULL, or an array of the next dimension. */
export type ArrayElement<Value> = Value | null | ArrayElement<Value>[];

/** An opening or closing brace, a quoted element, or a plain one. */
const TOKEN = /[{}]|"((?:[^"\\]|\\.)*)"|[^{}",]+/gs;

/** The bounds that stand before an array whose indexes do not begin at 1: `[0:1]={a,b}`. */
const BOUNDS = /^[[\]\d:+-]+=/;

/** Reads an array as PostgreSQL writes it, such as `{a,"b, c",NULL}`, of any number of dimensions. */
export function parseArray<Value>(text: string, convert: (text: string) => Value): ArrayElement<Value>[] {
  const root: ArrayElement<Value>[] = [];
  const open = [root];
  for (const [token, quoted] of text.replace(BOUNDS, '').matchAll(TOKEN)) {
    if (token === '{') {
      const inner: ArrayElement<Value>[] = [];
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
  return (root[0] ?? []) as ArrayElement<Value>[];
}
