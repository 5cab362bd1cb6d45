// `npm start` on a machine without a database, as a person uses it: what it prints works as it stands, a restart keeps
// everything, Ctrl-C and SIGTERM end it cleanly, and a crash does not block the next start.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const { DATABASE_URL: _, ...env } = process.env;

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Starts the demo and waits until it says what to try. */
async function start(command, args) {
  const port = await freePort();
  const child = spawn(command, args, {
    cwd: root,
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, as a terminal gives to what runs in the foreground.
    detached: true,
  });
  let output = '';
  await new Promise((resolve, reject) => {
    const onData = (chunk) => {
      output += chunk;
      if (output.includes('Ctrl-C ends it.')) {
        resolve();
      }
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('exit', (code) => reject(new Error(`It ended with ${code}:\n${output}`)));
    void setTimeout(START_TIMEOUT_MS, undefined, { ref: false }).then(() =>
      reject(new Error(`It is not ready yet:\n${output}`)),
    );
  });
  return { child, port, output };
}

/** Signals the whole group, as a terminal does, and waits until no process of it can write any more. */
async function stop({ child }, signal) {
  child.removeAllListeners('exit');
  const closed = once(child, 'close');
  process.kill(-child.pid, signal);
  const [code] = await closed;
  return code;
}

async function dashboards(port) {
  const url = `http://127.0.0.1:${port}`;
  const login = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tenant: 'acme', user: 'ada' }),
  });
  const { access_token } = await login.json();
  const answer = await fetch(`${url}/api/prismiq/dashboards`, { headers: { authorization: `Bearer ${access_token}` } });
  assert.equal(answer.status, 200);
  return (await answer.json()).dashboards;
}

const step = (text) => console.log(`ok: ${text}`);
const demo = [process.execPath, ['apps/demo/start.ts']];

const first = await start('npm', ['start']);
const seeded = await dashboards(first.port);
assert.ok(seeded.length >= 2);
step('npm start serves the seeded dashboards');

const lines = first.output.split('\n').filter((line) => /^ {2}(TOKEN=|curl )/.test(line));
assert.equal(lines.length, 4);
const { stdout } = await promisify(execFile)('bash', ['-euc', lines.join('\n')]);
assert.match(stdout, new RegExp(seeded[0].id));
assert.match(stdout, /Dashboard not found/);
assert.match(stdout, /"columns":\["region","revenue"\]/);
step('the curl lines work as they stand');

const [, databaseUrl] = /psql (\S+)/.exec(first.output);
const status = await promisify(execFile)('npx', ['prismiq', 'status', '--check'], {
  cwd: `${root}apps/demo`,
  env: { ...env, npm_config_yes: 'false', DATABASE_URL: databaseUrl },
});
assert.match(status.stdout, /All tenants are up to date/);
step('npx prismiq status, with the configuration of the demo, finds all tenants up to date');

// What npm itself ends with differs between its versions.
await stop(first, 'SIGINT');
step('Ctrl-C ends it');

const second = await start(...demo);
assert.deepEqual(await dashboards(second.port), seeded);
step('a restart keeps everything');
assert.equal(await stop(second, 'SIGINT'), 0);
step('SIGINT ends it with 0');

await stop(await start(...demo), 'SIGKILL');
const last = await start(...demo);
assert.deepEqual(await dashboards(last.port), seeded);
step('a crash does not block the next start');
assert.equal(await stop(last, 'SIGTERM'), 0);
step('SIGTERM ends it with 0');
