import type { SqlToken } from './sql-tokens.js';

/**
 * Whether a text of one or several statements changes `search_path` for longer than its transaction: `SET` without `LOCAL`,
 * `SET SCHEMA`, `set_config` with anything but `true`. Behind a pooler, the next one to get the connection finds it so.
 */
export function changesSearchPath(tokens: readonly SqlToken[], values: readonly unknown[]): boolean {
  return tokens.some((token, i) => {
    if (token.kind !== 'word') {
      return false;
    }
    if (token.text === 'set') {
      const isStart = i === 0 || textOf(tokens[i - 1]) === ';';
      const setting = textOf(tokens[i + 1]) === 'session' ? tokens[i + 2] : tokens[i + 1];
      return isStart && ['search_path', 'schema'].includes(textOf(setting)?.toLowerCase() ?? '');
    }
    return token.text === 'set_config' && textOf(tokens[i + 1]) === '(' && isForSession(tokens, i + 2, values);
  });
}

/** `set_config(setting, value, is_local)` by its arguments: what cannot be told counts as the worst. */
function isForSession(tokens: readonly SqlToken[], start: number, values: readonly unknown[]): boolean {
  const valueOf = (token: SqlToken | undefined): unknown =>
    token?.kind === 'parameter' ? values[token.index - 1] : textOf(token);
  const setting = tokens[start]?.kind === 'word' ? undefined : valueOf(tokens[start]);
  if (typeof setting === 'string' && setting.toLowerCase() !== 'search_path') {
    return false;
  }
  let depth = 1;
  let end = start;
  for (; end < tokens.length && depth > 0; end += 1) {
    const symbol = textOf(tokens[end]);
    depth += symbol === '(' ? 1 : symbol === ')' ? -1 : 0;
  }
  // `true`, or `true::boolean`.
  const args = tokens.slice(start, end - 1);
  const last = args.slice(args.findLastIndex((token) => textOf(token) === ',') + 1);
  return ![true, 'true', 't'].includes(valueOf(last[0]) as string | boolean);
}

const textOf = (token: SqlToken | undefined): string | undefined =>
  token === undefined || token.kind === 'parameter' ? undefined : token.text;
