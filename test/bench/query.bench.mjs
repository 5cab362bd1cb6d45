/**
 * The queries of a dashboard: QueryService against the hand-written statement by `pg`, with the same conversion of rows. How long a
 * query takes to compile, and what a result that is too large takes of the memory. See README.md.
 */
import assert from 'node:assert/strict';
import { ensureTables } from '@prismiq/nestjs';
import { openPool, withDatabase } from './support/database.mjs';
import { printResult, printRows, printTable, step } from './support/report.mjs';
import { compete, median } from './support/rounds.mjs';
import { floor, ours, QUERIES, SCHEMA } from './query.contenders.mjs';

const { BENCH_ROUNDS = '30', BENCH_SECONDS = '0.4' } = process.env;
const ORDERS = 100_000;
const CALLERS = 4;
const CONNECTIONS = 4;
const ROUNDS = { callers: CALLERS, rounds: Number(BENCH_ROUNDS), seconds: Number(BENCH_SECONDS) };
const TITLES = {
  list: 'list, 1,000 rows',
  aggregate: `aggregate, ${ORDERS} orders joined and grouped`,
  series: 'series, by day, filled',
};
const COMPILATIONS = 2000;
const MEBIBYTE = 1024 * 1024;

async function seed(url) {
  const pool = openPool(url, 1);
  await ensureTables(pool, { schema: SCHEMA, createSchema: true });
  await pool.query(`
    CREATE TABLE ${SCHEMA}.customers (id int PRIMARY KEY, name text, region text);
    CREATE TABLE ${SCHEMA}.orders (id int PRIMARY KEY, status text, total numeric(10,2), customer_id int REFERENCES ${SCHEMA}.customers, placed_at timestamptz);
    CREATE TABLE ${SCHEMA}.events (id int, text text);
    INSERT INTO ${SCHEMA}.customers SELECT n, 'Customer ' || n, (ARRAY['North', 'South', 'East', 'West'])[1 + n % 4] FROM generate_series(1, 500) AS n;
    INSERT INTO ${SCHEMA}.orders SELECT n, (ARRAY['paid', 'shipped', 'open', 'refund'])[1 + n % 4], (n % 1000) / 4.0, 1 + n % 500,
      timestamptz '2023-01-01Z' + n * interval '630.72 seconds' FROM generate_series(1, ${ORDERS}) AS n;
    INSERT INTO ${SCHEMA}.events SELECT n, repeat('x', 100) FROM generate_series(1, 1000000) AS n;
    CREATE INDEX ON ${SCHEMA}.orders (placed_at);
    ANALYZE ${SCHEMA}.customers, ${SCHEMA}.orders, ${SCHEMA}.events`);
  await pool.end();
}

/** A contender that returned something else, or less, would win easily. */
async function verify(contenders) {
  for (const name of Object.keys(QUERIES)) {
    const [expected, actual] = await Promise.all(contenders.map((contender) => contender.run(name)));
    const sorted = (rows) => (name === 'aggregate' ? rows.toSorted() : rows);
    assert.ok(expected.length > 0);
    assert.deepEqual(sorted(actual), sorted(expected));
  }
}

async function measureCompile(contender) {
  const times = [];
  for (let index = 0; index < COMPILATIONS; index += 1) {
    for (const name of Object.keys(QUERIES)) {
      const started = performance.now();
      await contender.compile(name);
      times.push(performance.now() - started);
    }
  }
  return median(times);
}

/** A million rows: how much memory is taken until the limit of bytes is reached. */
async function measureMemory(contender) {
  const query = {
    tables: [{ id: 'e', name: 'events' }],
    columns: ['id', 'text'].map((column) => ({ table_id: 'e', column })),
  };
  global.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 1);
  await assert.rejects(contender.runAny(query), { code: 'QUERY_RESULT_TOO_LARGE' });
  clearInterval(timer);
  return (Math.max(peak, process.memoryUsage.rss()) - before) / MEBIBYTE;
}

async function bench(url) {
  await step(`${ORDERS} orders`, () => seed(url));
  const contenders = [floor(url, CONNECTIONS), await ours(url, CONNECTIONS)];
  try {
    const memory = await measureMemory(contenders[1]);
    await step('checked and warmed up', async () => {
      for (let index = 0; index < 20; index += 1) {
        await verify(contenders);
      }
    });
    const ratios = {};
    for (const name of Object.keys(QUERIES)) {
      const results = await compete(
        contenders.map((contender) => [contender.name, () => contender.run(name)]),
        ROUNDS,
      );
      printTable(TITLES[name], results);
      ratios[name] = results.at(-1).ratio;
    }
    const compileMs = await measureCompile(contenders[1]);
    printRows(
      ['other', 'value'],
      [
        ['compile, ms at the median', compileMs.toFixed(3)],
        ['memory for 1,000,000 rows, MiB', memory.toFixed(0)],
      ],
    );
    return { ratios, compileMs, memory };
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()));
  }
}

const { ratios, compileMs } = await withDatabase(bench);
printResult('query', ratios, { compileMs });
