import { quoteIdentifier } from './identifier.js';

/**
 * A part of a statement: texts, and the values bound between them. Made by {@link sql} only, so that no value can become text.
 * Parameters get their numbers when the whole statement is rendered.
 */
export class SqlFragment {
  /** @param texts one more than `values` */
  constructor(
    readonly texts: readonly string[],
    readonly values: readonly unknown[],
  ) {}
}

/** Tag of a template: fragments are inserted, every other value is bound as a parameter. */
export function sql(strings: TemplateStringsArray, ...inserted: readonly unknown[]): SqlFragment {
  const texts: string[] = [strings[0]!];
  const values: unknown[] = [];
  for (const [index, value] of inserted.entries()) {
    append(texts, values, value);
    texts[texts.length - 1] += strings[index + 1]!;
  }
  return new SqlFragment(texts, values);
}

/** A quoted name, qualified if there are several parts. */
export const identifier = (...names: readonly string[]): SqlFragment =>
  new SqlFragment([names.map(quoteIdentifier).join('.')], []);

/** Text that the source code contains, such as a keyword from a table of constants. Never a text from outside. */
export const keyword = (text: string): SqlFragment => new SqlFragment([text], []);

/** @param separator text of the source code, e.g. `, ` or ` AND ` */
export function joinSql(fragments: readonly SqlFragment[], separator: string): SqlFragment {
  const texts: string[] = [''];
  const values: unknown[] = [];
  for (const [index, fragment] of fragments.entries()) {
    if (index > 0) {
      texts[texts.length - 1] += separator;
    }
    append(texts, values, fragment);
  }
  return new SqlFragment(texts, values);
}

/** The statement with `$1`, `$2`, … and their values. */
export function renderSql({ texts, values }: SqlFragment): { text: string; values: readonly unknown[] } {
  let text = texts[0]!;
  for (let index = 1; index < texts.length; index += 1) {
    text += `$${index}${texts[index]!}`;
  }
  return { text, values };
}

function append(texts: string[], values: unknown[], value: unknown): void {
  if (!(value instanceof SqlFragment)) {
    values.push(value);
    texts.push('');
    return;
  }
  texts[texts.length - 1] += value.texts[0]!;
  for (let index = 0; index < value.values.length; index += 1) {
    values.push(value.values[index]);
    texts.push(value.texts[index + 1]!);
  }
}
