// What the tenant of a request costs, on a handler that does nothing: no tenancy, the package, and request-scoped providers. And
// what remains in memory after requests for 5,000 tenants.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { withDatabase } from './support/database.mjs';
import { HttpConnection } from './support/http-connection.mjs';
import { printResult, printTable, step } from './support/report.mjs';
import { compete, load } from './support/rounds.mjs';

const { BENCH_ROUNDS = '40', BENCH_SECONDS = '0.4' } = process.env;
const CONNECTIONS = 8;
const ROUNDS = { callers: CONNECTIONS, rounds: Number(BENCH_ROUNDS), seconds: Number(BENCH_SECONDS) };
const TENANTS = 5000;
const NAMES = {
  plain: 'no tenancy',
  ours: '@prismiq/nestjs, TenantGuard',
  oursByInterceptor: '@prismiq/nestjs, TenantInterceptor',
  requestScope: 'Scope.REQUEST, a chain of three',
};

/** A server in a process of its own, and connections to it. */
async function start(contender, url) {
  const script = fileURLToPath(new URL('request.servers.mjs', import.meta.url));
  const child = fork(script, [contender, url], { execArgv: ['--expose-gc'] });
  const [port] = await once(child, 'message');
  const idle = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(port)));
  return {
    name: NAMES[contender],
    async whose(tenantId) {
      const connection = idle.pop();
      const { status, body } = await connection.send('GET', '/whose', { Authorization: `Bearer ${tenantId}/ada` });
      idle.push(connection);
      assert.equal(status, 200);
      return JSON.parse(body).tenantId;
    },
    /** Bytes, after a full collection. */
    async heap() {
      child.send('heap');
      const [bytes] = await once(child, 'message');
      return bytes;
    },
    close() {
      idle.forEach((connection) => connection.close());
      child.disconnect();
    },
  };
}

const names = Array.from({ length: TENANTS }, (_, index) => `t${index}`);
const forOne = (server) => () => server.whose('acme');

async function verify(servers) {
  for (const server of servers) {
    assert.equal(await server.whose('acme'), 'acme');
    await load(forOne(server), { callers: CONNECTIONS, seconds: 2 });
  }
}

/** @returns by how many bytes the heap has grown, once each of so many tenants has been asked for, twice */
async function growth(server) {
  const before = await server.heap();
  for (const tenantId of [...names, ...names]) {
    assert.equal(await server.whose(tenantId), tenantId);
  }
  return (await server.heap()) - before;
}

async function bench(url) {
  const servers = [];
  for (const contender of Object.keys(NAMES)) {
    servers.push(await start(contender, url));
  }
  try {
    await step('checked and warmed up', () => verify(servers));
    const results = await compete(
      servers.map((server) => [server.name, forOne(server)]),
      ROUNDS,
    );
    printTable('GET, a handler that does nothing', results);
    const [, ours, oursByInterceptor, requestScope] = results.map(({ ratio }) => ratio);
    const bytes = await growth(servers[1]);
    console.log(`The heap grew by ${(bytes / 1e6).toFixed(2)} MB over requests for ${TENANTS} tenants.\n`);
    return [{ ours, oursByInterceptor, requestScope }, { heapGrowthMb: bytes / 1e6 }];
  } finally {
    servers.forEach((server) => server.close());
  }
}

printResult('request', ...(await withDatabase(bench)));
