import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { MikroORM, type EntityManager, type Options } from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  ensureTables,
  PrismiqModule,
  StatementTimeoutError,
  TenantContext,
  TenantLockedError,
  type Dashboard,
  type SqlTarget,
} from '@prismiq/nestjs';
import { Client, Pool } from 'pg';
import { TEST_ITSELF, TestDatabase } from '../../../../test/support/test-database.js';
import { WireProxy, type Fate } from '../../../../test/support/wire-proxy.js';
import { boot, ormModule, resolver } from '../support/host.js';

/** Long enough for any statement that is not blocked, even on a busy machine. */
const QUERY_TIMEOUT_MS = 2000;

const WIDGET = { type: 'text' as const, title: 'w', position: { x: 0, y: 0, w: 1, h: 1 } };

let database: TestDatabase;
let schemas = 0;
beforeAll(async () => {
  database = await TestDatabase.create();
});
afterAll(() => database.close());

const newSchema = () => `tenant_${(schemas += 1)}`;

/** Holds locks until it is released, or the scope ends. */
async function hold(sql: string): Promise<AsyncDisposable & { release: () => Promise<void> }> {
  const client = await database.pool.connect();
  await client.query(`BEGIN; ${sql}`);
  let release = async () => {
    release = async () => undefined;
    await client.query('ROLLBACK');
    client.release();
  };
  return { release: () => release(), [Symbol.asyncDispose]: () => release() };
}

/** Waits until the server has nothing left of what was under test, but for connections that are idle in a pool. */
async function settled(): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const [{ busy }] = (await database.query<{ busy: number }>(
      `SELECT count(*)::int AS busy FROM pg_stat_activity
       WHERE datname = current_database() AND application_name <> $1 AND backend_type = 'client backend' AND state <> 'idle'`,
      [TEST_ITSELF],
    )) as [{ busy: number }];
    if (busy === 0) {
      return;
    }
    await sleep(25);
  }
  throw new Error('a transaction was left open');
}

const tablesIn = async (schema: string) =>
  (await database.query(`SELECT 1 FROM pg_tables WHERE schemaname = $1`, [schema])).length;

/** A pool of one connection, of MikroORM's or of pg's, and the session that it lends. */
interface Target extends AsyncDisposable {
  target: SqlTarget;
  query(sql: string): Promise<unknown>;
}

const TARGETS: Record<string, (url: string) => Promise<Target>> = {
  MikroORM: async (clientUrl) => {
    const orm = await MikroORM.init({
      ...database.ormOptions(),
      clientUrl,
      pool: { min: 0, max: 1 },
      driverOptions: { query_timeout: QUERY_TIMEOUT_MS },
    });
    return {
      target: orm,
      query: (sql) => orm.em.getConnection().execute(sql),
      [Symbol.asyncDispose]: () => orm.close(true),
    };
  },
  'a pg Pool': async (connectionString) => {
    const pool = new Pool({ connectionString, max: 1, query_timeout: QUERY_TIMEOUT_MS });
    pool.on('error', () => undefined);
    return { target: pool, query: (sql) => pool.query(sql), [Symbol.asyncDispose]: () => pool.end() };
  },
  'a pg Client': async (connectionString) => {
    const client = new Client({ connectionString, query_timeout: QUERY_TIMEOUT_MS });
    client.on('error', () => undefined);
    await client.connect();
    return { target: client, query: (sql) => client.query(sql), [Symbol.asyncDispose]: () => client.end() };
  },
};

describe.each(Object.keys(TARGETS))('a transaction on %s', (kind) => {
  const open = (url: string) => TARGETS[kind]!(url);
  const isPool = kind !== 'a pg Client';

  it('that the client abandoned is not committed by the next one on the connection', async () => {
    const schema = newSchema();
    await using connection = await open(database.url);
    await database.query(`CREATE SCHEMA ${schema}`);
    // The first tables are created, then it waits for another's transaction.
    await using lock = await hold(`CREATE TABLE ${schema}.prismiq_saved_queries ()`);
    await expect(ensureTables(connection.target, { schema })).rejects.toThrow(StatementTimeoutError);
    const next = () => connection.query(`CREATE TABLE ${schema}.next (); COMMIT`);
    // A pool has another connection at once; on the host's own, statements queue behind that which waits.
    await (isPool ? next() : lock.release());
    await (isPool ? lock.release() : next());
    await settled();
    expect(await tablesIn(schema)).toBe(1);
    await expect(ensureTables(connection.target, { schema })).resolves.toMatchObject({ created: true });
  });
});

it('a pool has its connection again, and a whole transaction or none, if BEGIN or COMMIT gets no answer', async () => {
  const commit = /^Q[^]{4}COMMIT\0/;
  const cases: [kind: string, statement: RegExp, fate: Fate, tables: number][] = ['MikroORM', 'a pg Pool'].flatMap(
    (kind) => [
      [kind, /BEGIN/, 'lost', 0],
      [kind, /BEGIN/, 'unanswered', 0],
      [kind, commit, 'lost', 0],
      [kind, commit, 'unanswered', 4],
    ],
  );
  await Promise.all(
    cases.map(async ([kind, statement, fate, tables]) => {
      const schema = newSchema();
      await using proxy = await WireProxy.start(database.url);
      await using connection = await TARGETS[kind]!(proxy.url);
      proxy.failOnce(statement, fate);
      await expect(ensureTables(connection.target, { schema, createSchema: true })).rejects.toThrow(
        StatementTimeoutError,
      );
      await connection.query('SELECT 1; COMMIT');
      expect(await tablesIn(schema)).toBe(tables);
      await expect(ensureTables(connection.target, { schema, createSchema: true })).resolves.toMatchObject({ schema });
    }),
  );
  await settled();
});

it("a host's transaction commits no half of a call if the rollback of its savepoint gets no answer", async () => {
  await Promise.all(
    (['lost', 'unanswered'] as const).map(async (fate) => {
      const schema = newSchema();
      await database.query(`CREATE SCHEMA ${schema}`);
      await using proxy = await WireProxy.start(database.url);
      await using lock = await hold(`CREATE TABLE ${schema}.prismiq_saved_queries ()`);
      const client = new Client({ connectionString: proxy.url, query_timeout: QUERY_TIMEOUT_MS });
      client.on('error', () => undefined);
      await client.connect();
      await client.query('BEGIN');
      proxy.failOnce(/ROLLBACK TO/, fate);
      await expect(ensureTables(client, { schema, lockTimeoutMs: 100 })).rejects.toThrow(TenantLockedError);
      await client.query('COMMIT').catch(() => undefined);
      await client.end();
      await lock.release();
      expect(await tablesIn(schema)).toBe(0);
    }),
  );
  await settled();
});

describe('the repositories on one connection', () => {
  let app: INestApplication;
  let dashboard: Dashboard;

  const start = async (options: Options = {}) => {
    app = await boot({
      imports: [
        ormModule(database, {
          pool: { min: 0, max: 1 },
          driverOptions: { query_timeout: QUERY_TIMEOUT_MS },
          ...options,
        }),
        PrismiqModule.forRoot({ resolver }),
      ],
    });
    dashboard = await as('acme', () => dashboards().create({ name: 'Sales', widgets: [WIDGET] }));
  };

  beforeAll(async () => {
    await database.query('CREATE TABLE public.customers (name text)');
    for (const schema of ['tenant_acme', 'tenant_globex']) {
      await ensureTables(database.pool, { schema, createSchema: true });
    }
  });
  afterEach(async () => {
    await app.close();
    await database.query('DELETE FROM tenant_acme.prismiq_dashboards; DELETE FROM tenant_globex.prismiq_dashboards');
  });

  const as = <T>(tenantId: string, work: () => Promise<T>): Promise<T> =>
    app.get(TenantContext).runInTenant({ tenantId, userId: 'ada' }, work);
  const dashboards = () => app.get(DashboardRepository);
  /** Locks the dashboard and changes it, then waits for its widgets. */
  const changeAll = () => dashboards().update(dashboard.id, { name: 'Half', widgets: [{ ...WIDGET, title: 'half' }] });
  const holdWidgets = () => hold('SELECT 1 FROM tenant_acme.prismiq_widgets FOR UPDATE');
  const names = async () =>
    (
      await database.query<{ name: string }>(
        `SELECT name FROM tenant_acme.prismiq_dashboards UNION SELECT name FROM tenant_globex.prismiq_dashboards ORDER BY 1`,
      )
    ).map(({ name }) => name);

  it("commit nothing of another tenant's call that the client gave up on, and lose no write of their own", async () => {
    await start();
    await using lock = await holdWidgets();
    await expect(as('acme', changeAll)).rejects.toThrow(StatementTimeoutError);
    await as('globex', () => dashboards().create({ name: 'Others', widgets: [WIDGET] }));
    await lock.release();
    await settled();
    await as('globex', () => dashboards().create({ name: 'Later' }));
    expect(await names()).toEqual(['Later', 'Others', 'Sales']);
  });

  it('do not wait behind a statement that the client abandoned', async () => {
    await start();
    await using lock = await hold('LOCK tenant_acme.prismiq_dashboards');
    await expect(as('acme', () => dashboards().list())).rejects.toThrow(StatementTimeoutError);
    await as('globex', () => dashboards().create({ name: 'Others' }));
    await lock.release();
    await settled();
  });

  it("undo their half of a host's transaction, which the host can commit", async () => {
    await start();
    const em = app.get<MikroORM>(MikroORM).em.fork() as EntityManager;
    await using lock = await holdWidgets();
    await as('acme', () =>
      em.transactional(async (host) => {
        await host.execute(`INSERT INTO public.customers VALUES ('Ann')`);
        await expect(changeAll()).rejects.toThrow(StatementTimeoutError);
        await lock.release();
      }),
    );
    await settled();
    expect(await database.query('SELECT name FROM public.customers')).toEqual([{ name: 'Ann' }]);
    expect(await names()).toEqual(['Sales']);
  });
});

it('a connection that the server ends at once fails one call, and not the process', async () => {
  await using proxy = await WireProxy.start(database.url);
  const pool = new Pool({ connectionString: proxy.url, max: 2 });
  proxy.endNextConnection();
  await expect(ensureTables(pool, { schema: newSchema(), createSchema: true })).rejects.toThrow(/connection/i);
  await ensureTables(pool, { schema: newSchema(), createSchema: true });
  await pool.end();
});
