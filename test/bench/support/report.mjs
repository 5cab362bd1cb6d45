import { percentile } from './rounds.mjs';

const WIDTHS = [34, 10, 10, 10, 8, 16];

/** Prints what was measured, a line for each contender. */
export function printTable(title, results) {
  printLine([title, 'ops/s', 'p50 ms', 'p99 ms', 'ratio', 'middle half']);
  for (const { name, perSecond, p50, p99, ratio, ratios } of results) {
    const range = [0.25, 0.75].map((share) => percentile(ratios, share).toFixed(2)).join(' to ');
    printLine([`  ${name}`, perSecond.toFixed(0), p50.toFixed(2), p99.toFixed(2), ratio.toFixed(3), range]);
  }
  console.log();
}

/** Prints a table of texts. */
export function printRows(head, rows) {
  for (const [name, ...others] of [head, ...rows.map(([name, ...others]) => [`  ${name}`, ...others])]) {
    console.log(name.padEnd(34) + others.map((text) => text.padStart(15)).join(''));
  }
  console.log();
}

const printLine = ([first, ...others]) =>
  console.log(first.padEnd(WIDTHS[0]) + others.map((text, index) => text.padStart(WIDTHS[index + 1])).join(''));

/** The last line of a benchmark, for programs: ratios, and what else was measured. */
export function printResult(bench, ratios, others = {}) {
  console.log(JSON.stringify({ bench, ratios: rounded(ratios), ...rounded(others) }));
}

const rounded = (numbers) =>
  Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, Math.round(number * 1000) / 1000]));

/** Says how long a step took. */
export async function step(name, work) {
  const started = performance.now();
  const result = await work();
  console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}
