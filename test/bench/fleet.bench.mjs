// Migrates 1,000 tenants: raw pg, the package's TenantMigrator, and MikroORM's migrator in a loop.
import 'reflect-metadata';
import { floor, mikroOrmLoop, ours } from './fleet.contenders.mjs';
import { DURABLE, withDatabase } from './support/database.mjs';
import { printRows, step } from './support/report.mjs';
import { median, percentile, randomFrom, shuffled } from './support/rounds.mjs';

const { BENCH_TENANTS = '1000', BENCH_CONCURRENCY = '8', BENCH_GROWTH = '100,1000,10000' } = process.env;
const TENANTS = Number(BENCH_TENANTS);
const CONCURRENCY = Number(BENCH_CONCURRENCY);
const GROWTH = BENCH_GROWTH.split(',').filter(Boolean).map(Number);
const SLICES = 5;
const COLUMNS = 11;
const NOOPS = 11;

const nameSchemas = (prefix, count) =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(6, '0')}`);

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * Lets floor and package take turns, in a random order, and compares each turn with the floor's. The loop has its turn in the
 * rounds that are named: it takes so long that the machine may be another one when it is through.
 *
 * @param {(contender: import('./fleet.contenders.mjs').Contender, round: number) => Promise<unknown>} turn
 */
async function compete(title, [floor, ours, loop], { rounds, loopRounds, turn }) {
  const times = new Map([floor, ours, loop].map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const contenders = [...shuffled([floor, ours], randomFrom(round)), ...(round < loopRounds ? [loop] : [])];
    for (const contender of contenders) {
      times.get(contender.name).push(await timed(() => turn(contender, round)));
    }
  }
  const base = times.get(floor.name);
  const results = [...times].map(([name, own]) => {
    const ratios = own.map((time, round) => time / base[round]);
    return { name, ms: median(own), ratio: median(ratios), ratios };
  });
  printRows(
    [title, 'ms', 'ratio', 'middle half'],
    results.map(({ name, ms, ratio, ratios }) => [name, ms.toFixed(0), ratio.toFixed(2), middleHalf(ratios)]),
  );
  return results;
}

/** New tenants, a part of them in each round. */
const provision = (contenders) =>
  compete(`${TENANTS / SLICES} new tenants`, contenders, {
    rounds: SLICES,
    loopRounds: SLICES,
    turn: (contender, round) =>
      contender.provision(nameSchemas(contender.prefix, TENANTS).filter((_, index) => index % SLICES === round)),
  });

/** A column for all tenants, another one in each round. */
const migrate = (contenders) =>
  compete(`a column for ${TENANTS} tenants`, contenders, {
    rounds: COLUMNS,
    loopRounds: 1,
    turn: (contender, round) => contender.migrate(nameSchemas(contender.prefix, TENANTS), round),
  });

const middleHalf = (values) => [0.25, 0.75].map((share) => percentile(values, share).toFixed(2)).join(' to ');

/** With connections that are opened for it, as a process does that has just started. Floor and package look at the same tenants. */
async function noop(url) {
  const run = async (open, prefix, rounds) => {
    const contender = await open(url, CONCURRENCY);
    const ms = await timed(() => contender.noop(nameSchemas(prefix, TENANTS), rounds));
    await contender.close();
    return ms;
  };
  const times = new Map([
    [floor, []],
    [ours, []],
  ]);
  for (let turn = 0; turn < NOOPS; turn += 1) {
    for (const open of shuffled([floor, ours], randomFrom(turn))) {
      times.get(open).push(await run(open, 'ours_', COLUMNS));
    }
  }
  const [base, own] = [times.get(floor), times.get(ours)];
  const ratios = own.map((time, turn) => time / base[turn]);
  const [floorMs, noopMs, loopMs] = [median(base), median(own), await run(mikroOrmLoop, 'loop_', 1)];
  printRows(
    [`nothing to do, ${TENANTS} tenants`, 'ms', 'ratio', 'middle half'],
    [
      ['raw pg, the same look', floorMs.toFixed(0), '1.00', ''],
      ['@prismiq/nestjs', noopMs.toFixed(0), median(ratios).toFixed(2), middleHalf(ratios)],
      ['MikroORM, a loop', loopMs.toFixed(0), (loopMs / floorMs).toFixed(0), ''],
    ],
  );
  return { noop: median(ratios), noopVsLoop: loopMs / noopMs, noopMs };
}

/** How time and memory grow with the number of tenants; each size is a database of its own. */
async function growth() {
  const rows = [];
  for (const count of GROWTH) {
    await withDatabase(async (url) => {
      const contender = await ours(url, CONCURRENCY);
      const schemas = nameSchemas('ours_', count);
      const memory = watchMemory();
      const times = [];
      times.push(await timed(() => contender.provision(schemas)));
      times.push(await timed(() => contender.migrate(schemas, 0)));
      times.push(await timed(() => contender.noop(schemas, 1)));
      const { heap, rss } = memory.stop();
      rows.push([`${count} tenants`, ...times.map((time) => (time / count).toFixed(2)), heap, rss]);
      await contender.close();
    }, DURABLE);
  }
  printRows(['ms a tenant', 'provision', 'migrate', 'noop', 'heap MB', 'RSS MB'], rows);
}

/** The highest heap, after a collection, and the highest resident set that are seen. */
function watchMemory() {
  let [heap, rss] = [0, 0];
  const look = () => {
    globalThis.gc?.();
    const usage = process.memoryUsage();
    heap = Math.max(heap, usage.heapUsed);
    rss = Math.max(rss, usage.rss);
  };
  const timer = setInterval(look, 500);
  return {
    stop: () => {
      look();
      clearInterval(timer);
      return { heap: (heap / 2 ** 20).toFixed(0), rss: (rss / 2 ** 20).toFixed(0) };
    },
  };
}

async function bench(url) {
  const contenders = [floor(url, CONCURRENCY), await ours(url, CONCURRENCY), await mikroOrmLoop(url)];
  try {
    const [, provisioned] = await provision(contenders);
    const [, migrated] = await migrate(contenders);
    return { provision: provisioned.ratio, migrate: migrated.ratio, ...(await noop(url)) };
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()));
  }
}

if (GROWTH.length > 0) {
  await step('growth', growth);
}
const { noopMs, ...ratios } = await withDatabase(bench, DURABLE);
const rounded = Object.entries(ratios).map(([name, ratio]) => [name, Math.round(ratio * 1000) / 1000]);
console.log(JSON.stringify({ bench: 'fleet', ratios: Object.fromEntries(rounded), noopMs: Math.round(noopMs) }));
