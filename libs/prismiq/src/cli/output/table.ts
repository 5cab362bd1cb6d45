import { printable } from './text.js';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number | undefined;
  readonly align?: 'left' | 'right';
}

/**
 * Sets rows under titles, in columns as wide as needed.
 *
 * @param emphasize styles the titles
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  emphasize: (text: string) => string,
): string {
  const cells = rows.map((row) => columns.map(({ cell }) => printable(String(cell(row) ?? '-'))));
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...cells.map((line) => line[index]!.length)));
  const toLine = (line: readonly string[]) =>
    line
      .map((text, index) =>
        columns[index]!.align === 'right' ? text.padStart(widths[index]!) : text.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd();
  return [emphasize(toLine(columns.map(({ title }) => title))), ...cells.map(toLine)].join('\n');
}
