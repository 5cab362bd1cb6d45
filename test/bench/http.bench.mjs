// GET one dashboard of 12 widgets, and PATCH its layout, from 1,000 tenants over HTTP: a controller written by hand, without
// tenancy and over the tenants' schemas, and the package.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { prismiqSchemaSql } from '@prismiq/nestjs';
import { openPool, withDatabase } from './support/database.mjs';
import { LAYOUT } from './support/documents.mjs';
import { HttpConnection } from './support/http-connection.mjs';
import { printResult, printTable, step } from './support/report.mjs';
import { compete, load, median } from './support/rounds.mjs';
import { makeTenants, USER } from './support/tenants.mjs';

const { BENCH_TENANTS = '1000', BENCH_ROUNDS = '30', BENCH_SECONDS = '0.4' } = process.env;
const SIZE = { tenants: Number(BENCH_TENANTS), dashboards: 6, widgetsEach: 12 };
const CONNECTIONS = 8;
const ROUNDS = { callers: CONNECTIONS, rounds: Number(BENCH_ROUNDS), seconds: Number(BENCH_SECONDS) };
/** A connection's first use of a tenant costs more, as PostgreSQL learns its tables: 98% of them happen here. */
const WARM_UP = { callers: CONNECTIONS, operations: 4 * SIZE.tenants * CONNECTIONS, seed: 1000 };
const NAMES = {
  byHand: 'by hand, raw pg, no tenancy',
  bySchema: "by hand, over tenants' schemas",
  ours: '@prismiq/nestjs',
};

/** A server in a process of its own, and connections to it. */
async function start(contender, url) {
  const script = fileURLToPath(new URL('http.servers.mjs', import.meta.url));
  const process = fork(script, [contender, url, String(CONNECTIONS)]);
  const [port] = await once(process, 'message');
  const idle = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(port)));
  return {
    name: NAMES[contender],
    columns: 12 + Object.keys(NAMES).indexOf(contender),
    async request(tenant, method, path, body) {
      const connection = idle.pop();
      const headers = { Authorization: `Bearer ${tenant.tenantId}/${USER}`, 'Content-Type': 'application/json' };
      const answer = await connection.send(method, path, headers, body);
      idle.push(connection);
      assert.equal(answer.status, 200);
      return answer.body;
    },
    close() {
      idle.forEach((connection) => connection.close());
      process.disconnect();
    },
  };
}

const OPERATIONS = {
  get: {
    title: `GET, a dashboard of ${SIZE.widgetsEach} widgets`,
    run: (server, tenants) => (random) => {
      const tenant = random.pick(tenants);
      return server.request(tenant, 'GET', `/dashboards/${random.pick(tenant.ids)}`);
    },
  },
  patch: {
    title: 'PATCH, its layout',
    run: (server, tenants) => (random) => {
      const tenant = random.pick(tenants);
      // Another one each time, and for each server, since two have the same rows: ours writes nothing where nothing changes.
      const layout = { ...LAYOUT, columns: server.columns, row_height: 1 + Math.floor(random.next() * 9_999) };
      return server.request(tenant, 'PATCH', `/dashboards/${random.pick(tenant.ownIds)}`, JSON.stringify({ layout }));
    },
  },
};

/** All rows of all tenants once more, in one schema. */
async function copyRows(url, tenants) {
  const pool = openPool(url, 1);
  try {
    await pool.query(`CREATE SCHEMA by_hand; ${prismiqSchemaSql({ schema: 'by_hand' })}`);
    for (const { schema } of tenants) {
      for (const table of ['prismiq_dashboards', 'prismiq_widgets']) {
        await pool.query(`INSERT INTO by_hand.${table} SELECT * FROM ${schema}.${table}`);
      }
    }
    await pool.query('VACUUM (ANALYZE)');
    await pool.query('CHECKPOINT');
  } finally {
    await pool.end();
  }
}

/** Times as moments: PostgreSQL writes them otherwise than JavaScript does. */
const toMoment = (name, value) => (name.endsWith('_at') ? Math.floor(Date.parse(value)) : value);

/** A contender that answered with something else, or less, would win easily. */
async function verify(servers, tenants) {
  for (const tenant of [tenants[0], tenants.at(-1)]) {
    const [id] = tenant.ownIds;
    const [first, ...others] = await Promise.all(
      servers.map((server) => server.request(tenant, 'GET', `/dashboards/${id}`)),
    );
    assert.equal(JSON.parse(first).widgets.length, SIZE.widgetsEach);
    others.forEach((other) => assert.deepEqual(JSON.parse(first, toMoment), JSON.parse(other, toMoment)));
    for (const server of servers) {
      const { version, layout: before } = JSON.parse(await server.request(tenant, 'GET', `/dashboards/${id}`));
      const layout = { ...before, columns: before.columns + 1 };
      const body = JSON.parse(await server.request(tenant, 'PATCH', `/dashboards/${id}`, JSON.stringify({ layout })));
      assert.deepEqual([body.version, body.layout, body.widgets.length], [version + 1, layout, SIZE.widgetsEach]);
    }
  }
}

async function measure({ title, run }, servers, tenants) {
  for (const server of servers) {
    await load(run(server, tenants), WARM_UP);
  }
  const results = await compete(
    servers.map((server) => [server.name, run(server, tenants)]),
    ROUNDS,
  );
  printTable(title, results);
  const [byHand, bySchema, ours] = results.map(({ speeds }) => speeds);
  const ratioTo = (floor) => median(ours.map((speed, round) => speed / floor[round]));
  return { ratio: ratioTo(byHand), ratioBySchema: ratioTo(bySchema) };
}

async function bench(url) {
  const tenants = await step(`${SIZE.tenants} tenants`, async () => {
    const made = await makeTenants(url, SIZE);
    await copyRows(url, made);
    return made;
  });
  const servers = [];
  for (const contender of Object.keys(NAMES)) {
    servers.push(await start(contender, url));
  }
  try {
    await step('checked', () => verify(servers, tenants));
    const ratios = {};
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const { ratio, ratioBySchema } = await measure(operation, servers, tenants);
      Object.assign(ratios, { [name]: ratio, [`${name}BySchema`]: ratioBySchema });
    }
    return ratios;
  } finally {
    servers.forEach((server) => server.close());
  }
}

printResult('http', await withDatabase(bench));
