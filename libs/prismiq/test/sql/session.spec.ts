import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  ensureTables,
  PrismiqModule,
  TenantContext,
  TenantMigrator,
  tenantsFromList,
  verifyTables,
} from '@prismiq/nestjs';
import fc from 'fast-check';
import { Pool, type PoolClient } from 'pg';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { boot, ormModule, resolver } from '../support/host.js';
import { migration, ORDERS, CURRENCY, withHost } from '../support/fleet.js';

const PASSWORD = 'secret';
const WIDGET = { type: 'text' as const, title: 'w', position: { x: 0, y: 0, w: 1, h: 1 } };

let database: TestDatabase;
const role = `prismiq_session_${process.pid}`;
let roleUrl: string;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE ${role}_other SUPERUSER;
    GRANT CREATE ON DATABASE ${database.name} TO ${role};
    CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO ${role};
    CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$;
    CREATE TABLE evil.prismiq_dashboards (id integer); CREATE TABLE evil.orders (id integer)`);
  roleUrl = Object.assign(new URL(database.url), { username: role, password: PASSWORD }).href;
});
afterAll(async () => {
  await database.query(`DROP OWNED BY ${role} CASCADE`);
  await database.query(`DROP OWNED BY ${role}_other CASCADE`);
  await database.query(`DROP ROLE ${role}; DROP ROLE ${role}_other`);
  await database.close();
});

/** Settings of a role, or of an earlier user of the connection. Times are in milliseconds. */
const SETTINGS: Record<string, string[]> = {
  array_nulls: ['off'],
  bytea_output: ['escape'],
  client_min_messages: ['debug5', 'error'],
  DateStyle: ['German, DMY', 'SQL, MDY'],
  default_transaction_deferrable: ['on'],
  default_transaction_isolation: ['repeatable read', 'serializable'],
  default_transaction_read_only: ['on'],
  enable_indexscan: ['off'],
  extra_float_digits: ['-15', '0', '3'],
  IntervalStyle: ['iso_8601'],
  lock_timeout: ['10000'],
  quote_all_identifiers: ['on'],
  search_path: ['', 'evil, public', 'pg_temp, evil'],
  standard_conforming_strings: ['off'],
  statement_timeout: ['20000'],
  TimeZone: ['Pacific/Chatham', 'America/Caracas'],
  transform_null_equals: ['on'],
};

const settings = fc
  .record(Object.fromEntries(Object.entries(SETTINGS).map(([name, values]) => [name, fc.constantFrom(...values)])), {
    requiredKeys: [],
  })
  .map((chosen) => Object.entries(chosen as Record<string, string>));

const setClause = ([name, value]: [string, string]) =>
  `SET ${name} ${name === 'search_path' && value !== '' ? `= ${value}` : `= '${value}'`}`;

/** Temporary tables come before all others in the path. */
const TEMPORARY = `BEGIN READ WRITE; CREATE TEMP TABLE prismiq_dashboards (id integer); CREATE TEMP TABLE prismiq_migrations (name text);
  CREATE TEMP TABLE orders (id integer); COMMIT`;

let runs = 0;

/** What Prismiq does, and what it finds, with sessions of the role. */
async function outcome(prepare: (client: PoolClient) => Promise<unknown>) {
  runs += 1;
  const tenantId = `s${runs}`;
  const schema = `tenant_${tenantId}`;
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(new Pool({ connectionString: roleUrl, max: 6 }), (pool) => pool.end());
  const sessions: Promise<unknown>[] = [];
  pool.on('connect', (client) => sessions.push(suiteGuard.off(() => prepare(client))));
  const directory = tenantsFromList([{ tenantId }]);
  const migrator = new TenantMigrator({ database: pool, directory, migrations: withHost(ORDERS, CURRENCY) });
  const ensured = await ensureTables(pool, { schema: `${schema}_e`, createSchema: true });
  const report = await migrator.up({ createSchema: true });
  const again = await migrator.up();
  const verified = [await migrator.verify(), await verifyTables(pool, { schema })];
  await Promise.all(sessions);
  const app = stack.adopt(
    await boot({
      imports: [ormModule(database, { clientUrl: roleUrl }), PrismiqModule.forRoot({ resolver, directory })],
    }),
    (app) => app.close(),
  );
  const orm = app.get<MikroORM>(MikroORM);
  (await orm.em.getConnection().getNativeClient()).on(
    'connect',
    (client: PoolClient) => void suiteGuard.off(() => prepare(client)),
  );
  const record = await app.get(TenantContext).runInTenant({ tenantId, userId: 'ada' }, async () => {
    const dashboards = app.get(DashboardRepository);
    const { id } = await dashboards.create({ name: 'Sales', allowedViewers: ['NULL', 'bob'] });
    await dashboards.update(id, { name: 'More', widgets: [WIDGET] });
    await dashboards.update(id, { name: 'Last' });
    const [first, second] = await Promise.all(['a', 'b'].map((name) => dashboards.create({ name, widgets: [WIDGET] })));
    await dashboards.delete(first!.id);
    const { items } = await dashboards.listPage({ sort: 'createdAt', limit: 1, total: true });
    const { createdAt, version, allowedViewers, name } = await dashboards.get(id);
    const [{ stored }] = (await database.query<{ stored: Date }>(
      `SELECT created_at AS stored FROM ${schema}.prismiq_dashboards WHERE id = $1`,
      [id],
    )) as [{ stored: Date }];
    return {
      name,
      version,
      allowedViewers,
      isTime: createdAt.getTime() === stored.getTime(),
      isNewest: items[0]!.id === second!.id,
    };
  });
  const tables = await database.query(
    `SELECT replace(c.relname, '${tenantId}', '') AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace IN ('${schema}'::regnamespace, '${schema}_e'::regnamespace) GROUP BY c.oid, c.relname ORDER BY 1`,
  );
  return {
    created: ensured.created,
    states: [...(report.counts.failed === 0 ? [] : report.failures), report.counts, again.counts],
    verified,
    record,
    tables,
  };
}

it('earlier settings of the session have no effect', async () => {
  const expected = await outcome(async () => undefined);
  expect(expected.states).toMatchObject([
    { migrated: 1, failed: 0 },
    { unchanged: 1, failed: 0 },
  ]);
  expect(expected.record).toEqual({
    name: 'Last',
    version: 3,
    allowedViewers: ['NULL', 'bob'],
    isTime: true,
    isNewest: true,
  });
  await fc.assert(
    fc.asyncProperty(settings, fc.boolean(), fc.boolean(), async (chosen, onRole, withTemporary) => {
      const sets = chosen.map(setClause);
      await database.query(
        [`ALTER ROLE ${role} RESET ALL`, ...(onRole ? sets.map((set) => `ALTER ROLE ${role} ${set}`) : [])].join('; '),
      );
      const sessionSql = [...(withTemporary ? [TEMPORARY] : []), ...(onRole ? [] : sets)].join('; ');
      expect(await outcome((client) => client.query(sessionSql))).toEqual(expected);
    }),
    { numRuns: 6, seed: Number(process.env['FUZZ_SEED'] ?? Date.now()) | 0, endOnFailure: true },
  );
  await database.query(`ALTER ROLE ${role} RESET ALL`);
});

it('a transaction of a migration does not end by the limits of the role', async () => {
  await database.query(`ALTER ROLE ${role} SET idle_in_transaction_session_timeout = 1000;
    ALTER ROLE ${role} SET statement_timeout = 1000; ALTER ROLE ${role} SET lock_timeout = 1000`);
  const [{ version }] = (await database.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  )) as [{ version: number }];
  if (version >= 170_000) {
    await database.query(`ALTER ROLE ${role} SET transaction_timeout = 1000`);
  }
  const orm = await database.orm({ clientUrl: roleUrl, driverOptions: { query_timeout: 1000 } });
  const slow = migration('0001_slow', async (self) => {
    await self.execute('CREATE TABLE slow (id integer)');
    await sleep(1500);
    await self.execute('SELECT pg_sleep(1.5)');
  });
  const migrator = new TenantMigrator({
    database: orm,
    directory: tenantsFromList([{ tenantId: 'slow' }]),
    migrations: withHost(slow),
    retries: 0,
  });
  const report = await migrator.up({ createSchema: true });
  expect(report.failures).toEqual([]);
  await database.query(`ALTER ROLE ${role} RESET ALL`);
});

describe("a host's migration that changes its session", () => {
  const POLLUTION = {
    'with a setting': `PERFORM set_config('DateStyle', 'German', false)`,
    'with a path': `PERFORM set_config('search_path', 'evil', false)`,
    'with a role': `EXECUTE 'SET ROLE ${role}_other'`,
    'with a temporary table': `EXECUTE 'CREATE TEMP TABLE left_behind (id integer)'`,
    'with a subscription': `EXECUTE 'LISTEN left_behind'`,
    'with an advisory lock': `PERFORM pg_advisory_lock(4711)`,
    'with a prepared statement': `EXECUTE 'PREPARE left_behind AS SELECT 1'`,
  };

  it.each(['a pg Pool', 'MikroORM'])('leaves no session of %s changed', async (kind) => {
    const names = Object.keys(POLLUTION);
    await database.query(
      Object.values(POLLUTION)
        .map(
          (body, index) =>
            `CREATE OR REPLACE FUNCTION public.pollute_${index}() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$`,
        )
        .join('; '),
    );
    await using stack = new AsyncDisposableStack();
    const orm = await database.orm({ pool: { min: 0, max: 6 }, contextName: kind });
    const pool =
      kind === 'MikroORM'
        ? ((await orm.em.getConnection().getNativeClient()) as Pool)
        : stack.adopt(new Pool({ connectionString: database.url, max: 6 }), (pool) => pool.end());
    for (const index of names.keys()) {
      const tenantId = `polluted_${kind === 'MikroORM' ? 'orm' : 'pg'}_${index}`;
      const migrator = new TenantMigrator({
        database: kind === 'MikroORM' ? orm : pool,
        directory: tenantsFromList([{ tenantId }]),
        migrations: withHost(migration('0001_pollute', (self) => self.addSql(`SELECT public.pollute_${index}()`))),
        retries: 0,
      });
      expect((await migrator.up({ createSchema: true })).failures).toEqual([]);
      const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
      for (const client of clients) {
        const { rows } = await client.query(
          `SELECT current_setting('DateStyle') AS setting, current_setting('search_path') AS path,
             current_user = session_user AS "isItself", pg_my_temp_schema() AS temp,
             (SELECT count(*)::int FROM pg_listening_channels()) AS channels,
             (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
             (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`,
        );
        expect([names[index], rows[0]]).toEqual([
          names[index],
          { setting: 'ISO, MDY', path: '"$user", public', isItself: true, temp: 0, channels: 0, locks: 0, prepared: 0 },
        ]);
        client.release();
      }
    }
  });
});
