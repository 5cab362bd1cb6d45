import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import type { MigrationEvent, TenantResult } from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { Fleet, statements, withHost } from './support/fleet.js';

const PROCESS = join(import.meta.dirname, 'support/fleet-process.mjs');
/** How often a run is ended by force; `npm run test:kill` does it a hundred times. */
const KILLS = Number(process.env['PRISMIQ_TEST_KILLS'] ?? 4);
const TENANTS = 200;
const PATIENCE = 60_000 + KILLS * 6000;

interface Release {
  name: string;
  statements: string[];
}

/** Migrations of which each leaves several traces, so that a half of it would show. */
const release = (index: number, first: string[] = []): Release => ({
  name: `${String(index).padStart(4, '0')}_release`,
  statements: [
    ...first,
    index === 0 ? 'CREATE TABLE orders (id integer)' : `ALTER TABLE orders ADD COLUMN c${index} text`,
    `CREATE TABLE t${index} (a integer)`,
    `CREATE INDEX i${index} ON t${index} (a)`,
  ],
});

describe('several processes, and some that are ended by force', () => {
  let database: TestDatabase;
  const children = new Set<ChildProcess>();
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(async () => {
    children.forEach((child) => child.kill('SIGKILL'));
    await database.close();
  });

  /** A process that is ready to migrate. */
  async function start(schemas: string[], migrations: Release[], concurrency = 4) {
    const child = spawn(process.execPath, [PROCESS], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.add(child);
    const exit = once(child, 'exit').finally(() => children.delete(child));
    const results: TenantResult[] = [];
    let started: () => void = () => undefined;
    const firstTenant = new Promise<void>((resolve) => (started = resolve));
    let ready: () => void = () => undefined;
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') return ready();
      const event = JSON.parse(line) as MigrationEvent;
      if (event.type === 'tenant-started') started();
      if (event.type === 'tenant-finished') results.push(event.result);
    });
    child.stdin.write(`${JSON.stringify({ url: database.url, schemas, migrations, concurrency })}\n`);
    await isReady;
    return { child, exit, results, firstTenant, go: () => child.stdin.end('go\n') };
  }

  const migratorOf = (fleet: Fleet, releases: Release[], options = {}) =>
    fleet.migrator({
      migrations: withHost(...releases.map(({ name, statements: sql }) => statements(name, sql))),
      ...options,
    });

  /** Schemas in which the catalog and the history do not agree, or that are not in order otherwise. */
  async function halves(fleet: Fleet, { name }: Release, index: number): Promise<string[]> {
    const found = await database.query<{ schema: string; traces: number; recorded: number }>(
      fleet.schemas
        .map(
          (schema) => `SELECT '${schema}' AS schema,
            (SELECT count(*)::int FROM pg_attribute WHERE attrelid = '${schema}.orders'::regclass AND attname = 'c${index}')
              + (SELECT count(*)::int FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relname IN ('t${index}', 'i${index}')) AS traces,
            (SELECT count(*)::int FROM ${schema}.mikro_orm_migrations WHERE name = '${name}') AS recorded`,
        )
        .join(' UNION ALL '),
    );
    return found
      .filter(({ traces, recorded }) => !((traces === 3 && recorded === 1) || (traces === 0 && recorded === 0)))
      .map(({ schema, traces, recorded }) => `${schema}: ${traces} of 3 traces, ${recorded} records`);
  }

  it('four at once share the work, and migrate each tenant once', async () => {
    const fleet = new Fleet(database, 'four', TENANTS);
    const releases = [release(0, ['SELECT pg_sleep(0.01)'])];
    const processes = await Promise.all(Array.from({ length: 4 }, () => start(fleet.schemas, releases)));
    processes.forEach(({ go }) => go());
    const exits = await Promise.all(processes.map(({ exit }) => exit));
    expect(exits.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    const results = processes.map(({ results }) => results);
    expect(results.flat().filter(({ state }) => state === 'failed')).toEqual([]);
    expect(results.map(({ length }) => length)).toEqual([TENANTS, TENANTS, TENANTS, TENANTS]);
    const migrated = results.map((ofOne) =>
      ofOne.filter(({ state }) => state === 'migrated').map(({ schema }) => schema),
    );
    expect(migrated.flat().sort()).toEqual(fleet.schemas.toSorted());
    // Each has done its part, and not one of them all.
    expect(Math.min(...migrated.map(({ length }) => length))).toBeGreaterThan(TENANTS / 20);
    expect((await migratorOf(fleet, releases).status()).upToDate).toBe(true);
  });

  it(
    `kill -9 at ${KILLS} moments leaves each tenant before or after, and the next run completes all`,
    async () => {
      const fleet = new Fleet(database, 'killed', TENANTS);
      const releases = [release(0)];
      await migratorOf(fleet, releases).up({ createSchema: true });
      let inBetween = 0;
      for (let index = 1; index <= KILLS; index += 1) {
        releases.push(release(index));
        const { child, exit, firstTenant, go } = await start(fleet.schemas, releases);
        go();
        await firstTenant;
        await sleep(Math.random() * 250);
        child.kill('SIGKILL');
        await exit;
        expect(await halves(fleet, releases[index]!, index)).toEqual([]);
        const report = await migratorOf(fleet, releases).up({ concurrency: 8 });
        expect(report.counts.migrated + report.counts.unchanged).toBe(TENANTS);
        inBetween += report.counts.migrated > 0 && report.counts.unchanged > 0 ? 1 : 0;
        expect(await halves(fleet, releases[index]!, index)).toEqual([]);
      }
      expect(inBetween).toBeGreaterThan(0);
      expect((await migratorOf(fleet, releases).status()).upToDate).toBe(true);
    },
    PATIENCE,
  );

  it(
    `so do connections that are terminated at ${KILLS} moments`,
    async () => {
      const fleet = new Fleet(database, 'terminated', TENANTS);
      const releases = [release(0)];
      await migratorOf(fleet, releases).up({ createSchema: true });
      const url = new URL(database.url);
      url.searchParams.set('application_name', 'prismiq_terminated');
      const pool = new Pool({ connectionString: url.href, max: 6 });
      pool.on('error', () => undefined);
      for (let index = 1; index <= KILLS; index += 1) {
        releases.push(release(index));
        // Without a second attempt, which would hide what the first one left.
        const run = migratorOf(fleet, releases, { database: pool, retries: index % 2 === 0 ? 0 : 3 }).up({
          onError: 'continue',
        });
        await sleep(Math.random() * 400);
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prismiq_terminated'`,
        );
        // A look at the directory or at the server that is cut off has nobody to be reported for.
        await run.catch(() => undefined);
        expect(await halves(fleet, releases[index]!, index)).toEqual([]);
        const next = await migratorOf(fleet, releases, { database: pool }).up({ concurrency: 4 });
        expect(next.counts.migrated + next.counts.unchanged).toBe(TENANTS);
        expect(await halves(fleet, releases[index]!, index)).toEqual([]);
      }
      await pool.end();
      expect((await migratorOf(fleet, releases).status()).upToDate).toBe(true);
    },
    PATIENCE,
  );
});
