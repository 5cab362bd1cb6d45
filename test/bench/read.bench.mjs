// Reads a dashboard of 12 widgets, and a list of 50, from 1,000 tenants: raw pg, plain MikroORM, and the package.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { floor, ours, plainOrm } from './read.contenders.mjs';
import { withDatabase } from './support/database.mjs';
import { printResult, printTable, step } from './support/report.mjs';
import { compete, load } from './support/rounds.mjs';
import { makeTenants } from './support/tenants.mjs';

const { BENCH_TENANTS = '1000', BENCH_ROUNDS = '30', BENCH_SECONDS = '0.4' } = process.env;
const SIZE = { tenants: Number(BENCH_TENANTS), dashboards: 50, widgetsEach: 12 };
const CALLERS = 8;
const CONNECTIONS = 8;
const ROUNDS = { callers: CALLERS, rounds: Number(BENCH_ROUNDS), seconds: Number(BENCH_SECONDS) };

/** A connection's first read of a tenant costs twice as much, as PostgreSQL learns its tables: most happen here. */
const WARM_UP = { callers: CALLERS, operations: SIZE.tenants * CONNECTIONS, seed: 1000 };

const OPERATIONS = {
  get: {
    title: `get, a dashboard of ${SIZE.widgetsEach} widgets`,
    expected: SIZE.widgetsEach,
    run: (contender, tenants) => (random) => {
      const tenant = random.pick(tenants);
      return contender.get(tenant, random.pick(tenant.ids));
    },
    read: async (contender, tenant) => contender.plainDashboard(await contender.get(tenant, tenant.ids[0])),
  },
  list: {
    title: `list, summaries of ${SIZE.dashboards} dashboards`,
    expected: SIZE.dashboards,
    run: (contender, tenants) => (random) => contender.list(random.pick(tenants)),
    read: async (contender, tenant) => contender.plainList(await contender.list(tenant)),
  },
};

/** A contender that returned something else, or less, would win easily. */
async function verify(operation, contenders, tenants) {
  for (const tenant of [tenants[0], tenants.at(-1)]) {
    const [expected, ...others] = await Promise.all(contenders.map((contender) => operation.read(contender, tenant)));
    assert.equal((expected.widgets ?? expected).length, operation.expected);
    for (const other of others) {
      assert.deepEqual(other, expected);
    }
  }
}

async function warmUp(contenders, tenants) {
  for (const operation of Object.values(OPERATIONS)) {
    await verify(operation, contenders, tenants);
    for (const contender of contenders) {
      await load(operation.run(contender, tenants), WARM_UP);
    }
  }
}

async function measure({ title, run }, contenders, tenants) {
  const results = await compete(
    contenders.map((contender) => [contender.name, run(contender, tenants)]),
    ROUNDS,
  );
  printTable(title, results);
  return results.at(-1).ratio;
}

async function bench(url) {
  const tenants = await step(`${SIZE.tenants} tenants`, () => makeTenants(url, SIZE));
  const contenders = [floor(url, CONNECTIONS), await plainOrm(url, CONNECTIONS), await ours(url, CONNECTIONS)];
  try {
    await step('checked and warmed up', () => warmUp(contenders, tenants));
    const ratios = {};
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      ratios[name] = await measure(operation, contenders, tenants);
    }
    return ratios;
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()));
  }
}

printResult('read', await withDatabase(bench));
