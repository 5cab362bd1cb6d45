import fc from 'fast-check';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { DashboardRepository, ensureTables, PrismiqModule, TenantContext } from '@prismiq/nestjs';
import { SqlGuard, UnsafeStatementError } from '@prismiq/nestjs/testing';
import pg from 'pg';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { boot, ormModule } from '../support/host.js';
import { statement } from './statements.js';

// Here others are under test, and refuse first.
suiteGuard.stop();

const acme = { tenantId: 'acme', schema: 'tenant_acme' };

describe('SqlGuard.check', () => {
  let inContext: { schema: string } | undefined;
  let guard: SqlGuard;
  beforeAll(async () => {
    guard = await SqlGuard.create({ tenant: () => inContext, tables: ['orders', 'Üppig "q"'] });
  });
  const check = (sql: string, tenant?: { schema: string }, values: unknown[] = []): string => {
    inContext = tenant;
    try {
      guard.check(sql, values);
      return 'fine';
    } catch (error) {
      expect(error).toBeInstanceOf(UnsafeStatementError);
      const { message } = error as Error;
      return /without a schema|in "public"|tenant in context|changes search_path/.exec(message)?.[0] ?? message;
    }
  };

  it.each([
    'SELECT * FROM prismiq_dashboards',
    'select 1 from Prismiq_Dashboards d',
    'SELECT 1 FROM "prismiq_widgets"',
    'SELECT 1 FROM tenant_acme.orders o, orders',
    'SELECT 1 FROM tenant_acme.orders o JOIN b ON f(1, 2) , lateral (select 1) x, orders',
    'SELECT 1 FROM (prismiq_widgets w JOIN tenant_acme.orders o ON true)',
    'SELECT 1 FROM ONLY (orders)',
    'TABLE orders',
    'SELECT 1 WHERE EXISTS (TABLE orders)',
    'INSERT INTO orders (id) VALUES (1)',
    'INSERT INTO tenant_acme.orders SELECT * FROM orders',
    'UPDATE orders SET total = 1',
    'UPDATE ONLY orders SET total = 1',
    'UPDATE tenant_acme.orders o SET total = 1 FROM x, prismiq_dashboards d',
    'DELETE FROM orders',
    'DELETE FROM tenant_acme.orders USING orders o2',
    'MERGE INTO orders o USING tenant_acme.x ON true WHEN MATCHED THEN DELETE',
    'MERGE INTO tenant_acme.orders o USING orders x ON true WHEN MATCHED THEN DELETE',
    'TRUNCATE tenant_acme.orders, orders',
    'TRUNCATE TABLE ONLY orders',
    'LOCK TABLE orders IN SHARE MODE',
    'LOCK orders',
    'COPY orders TO STDOUT',
    'ANALYZE orders',
    'VACUUM FULL orders',
    'CREATE TABLE orders (id int)',
    'CREATE TABLE IF NOT EXISTS "prismiq_migrations" (id int)',
    'CREATE TABLE tenant_acme.x (o int REFERENCES orders (id))',
    'CREATE TABLE tenant_acme.x (LIKE orders)',
    'CREATE TABLE tenant_acme.x () INHERITS (orders)',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (id)',
    'ALTER TABLE IF EXISTS ONLY orders ADD COLUMN x int',
    'DROP TABLE tenant_acme.orders, orders CASCADE',
    'GRANT SELECT ON tenant_acme.x, orders TO ada',
    'COMMENT ON TABLE orders IS $$x$$',
    'CREATE TRIGGER t AFTER UPDATE ON orders EXECUTE FUNCTION f()',
    'SELECT 1; SELECT 2 FROM orders',
    'WITH orders AS (SELECT 1) SELECT 1; SELECT 1 FROM orders',
    'WITH orders AS (SELECT * FROM orders) SELECT * FROM orders',
    'SELECT * FROM (WITH orders AS (SELECT 1) SELECT * FROM orders) x, orders',
    'WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x',
    'EXPLAIN ANALYZE SELECT 1 FROM orders',
    `SELECT '--' FROM orders`,
    `SELECT E'\\'' FROM orders --'`,
    `SELECT '\\' FROM orders --'`,
    'SELECT /* /* */ SELECT 1 */ 1 FROM/**/orders',
    'SELECT $a$ $b$ $a$ FROM orders -- $b$',
    'SELECT a$1$ FROM orders',
    'SELECT 1 FROM "Üppig ""q"""',
    String.raw`SELECT 1 FROM U&"\006frders"`,
    String.raw`SELECT 1 FROM U&"!006frders" UESCAPE '!'`,
    'SELECT extract(year FROM now()) FROM orders',
    'SELECT 1 IS DISTINCT FROM 2, 3 FROM orders',
    'SELECT DISTINCT FROM orders',
    'DO $$ BEGIN DELETE FROM orders; END $$',
    'DO $$ DECLARE n int; BEGIN n := (SELECT count(*) FROM orders); END $$',
    `DO $$ BEGIN EXECUTE 'TRUNCATE orders'; END $$`,
    `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders'`,
    'CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT 1; SELECT count(*) FROM orders; END',
    'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO orders VALUES (1); RETURN NEW; END $$',
    'REFRESH MATERIALIZED VIEW orders',
    'ALTER TABLE x RENAME TO orders',
    'CREATE SEQUENCE tenant_acme.s OWNED BY orders.id',
    'REPACK TABLE orders',
    'REPACK TABLE "orders"; SELECT 1',
  ])('refuses a tenant table without a schema: %s', (sql) => {
    expect(check(sql, acme)).toBe('without a schema');
    expect(check(sql)).toBe('without a schema');
  });

  it.each([
    'SELECT * FROM tenant_acme.prismiq_dashboards',
    'SELECT "o"."id" FROM "tenant_acme" . "orders" AS "o"',
    'SELECT orders.id, orders FROM tenant_acme.orders ORDER BY orders, orders.id',
    'SELECT 1 FROM x orders, y AS prismiq_widgets',
    'SELECT o.orders FROM tenant_acme.x o WHERE o.orders = 1 AND orders IN (1, orders) GROUP BY a, orders',
    'SELECT 1 FROM a JOIN b USING (id, orders) WHERE orders',
    'WITH orders AS (SELECT 1), x (a, b) AS NOT MATERIALIZED (SELECT * FROM orders) SELECT * FROM orders JOIN x ON true',
    'WITH RECURSIVE orders(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM orders) SELECT (SELECT 1 FROM orders)',
    'INSERT INTO tenant_acme.orders AS orders (orders, x) VALUES (1, 2) ON CONFLICT DO UPDATE SET orders = 1, x = orders.x',
    'UPDATE tenant_acme.orders AS orders SET x = 1, orders = 2 RETURNING id, orders',
    'SELECT 1 FROM tenant_acme.orders o FOR UPDATE OF o',
    'SELECT 1 FROM tenant_acme.x orders FOR NO KEY UPDATE OF orders',
    'ALTER TABLE tenant_acme.x ADD COLUMN orders int, DROP COLUMN orders',
    'CREATE TABLE tenant_acme.x (a int, orders int REFERENCES tenant_acme.orders ON DELETE CASCADE)',
    'CREATE INDEX orders ON tenant_acme.x USING btree (orders)',
    'SELECT extract(year FROM orders), trim(both from orders), 1 IS NOT DISTINCT FROM orders FROM x',
    `SELECT 'FROM orders', E'\\' FROM orders', $$ FROM orders $$, $x$ FROM orders $x$, "FROM orders" -- FROM orders`,
    'SELECT 1 /* FROM orders /* nested */ FROM orders */',
    'SELECT ORDERS FROM "ORDERS"',
    'BEGIN',
    'DO $$ BEGIN DELETE FROM tenant_acme.orders; RAISE NOTICE $q$FROM orders$q$; END $$',
    `CREATE FUNCTION f(orders int) RETURNS int LANGUAGE sql AS 'SELECT orders FROM tenant_acme.orders'`,
    'CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC WITH orders AS (SELECT 1) SELECT count(*) FROM orders; END',
    'DROP INDEX tenant_acme.orders',
    `REPACK TABLE tenant_acme.orders WITH 'orders'`,
    'SELECT 1 FROM',
    '',
  ])('lets pass: %s', (sql) => {
    expect(check(sql, acme)).toBe('fine');
  });

  it('always refuses public, and another schema if a tenant is in context', () => {
    for (const tenant of [undefined, acme]) {
      expect(check('SELECT 1 FROM public.prismiq_widgets', tenant)).toBe('in "public"');
      expect(check('SELECT 1 FROM db.public.orders', tenant)).toBe('in "public"');
    }
    const join = 'SELECT 1 FROM tenant_acme.orders a, "tenant_globex".orders b';
    expect(check(join, acme)).toBe('tenant in context');
    expect(check('SELECT 1 FROM "Tenant_Acme".orders', acme)).toBe('tenant in context');
    expect(check(join)).toBe('fine');
    expect(check('SELECT 1 FROM public.customers, customers', acme)).toBe('fine');
  });

  it.each<[string, unknown[]]>([
    ['SET search_path TO tenant_acme', []],
    ['set  SESSION "search_path" = x', []],
    [`SET SCHEMA 'tenant_acme'`, []],
    ['BEGIN; SET search_path TO x; COMMIT', []],
    [`SELECT set_config('search_path', 'x', false)`, []],
    [`SELECT pg_catalog.set_config('search_path', concat('x', 'y'), (false))`, []],
    ['SELECT set_config($1, $2, $3)', ['Search_Path', 'x', false]],
    ['SELECT set_config($1, $2, true), set_config($1, $2, false)', ['search_path', 'x']],
    ['SELECT set_config(name, $1, false) FROM x', ['y']],
    [`SELECT set_config('search_path', is_local => $1, new_value => 'x')`, [false]],
    ['DO $$ BEGIN SET search_path TO x; END $$', []],
    [`DO $$ BEGIN PERFORM set_config('search_path', 'x', false); END $$`, []],
    ['CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN SET search_path TO x; END $$', []],
    [`CREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT set_config('search_path', 'x', false); END`, []],
  ])('refuses a change of search_path that outlives its transaction: %s', (sql, values) => {
    expect(check(sql, acme, values)).toBe('changes search_path');
  });

  it.each<[string, unknown[]]>([
    ['SET LOCAL search_path TO tenant_acme', []],
    ['SET lock_timeout = 1000', []],
    [`SELECT set_config('search_path', $1, true)`, ['x']],
    ['SELECT set_config($1, $2, $3)', ['search_path', 'x', true]],
    ['SELECT set_config($1, $2, false)', ['app.user', 'search_path']],
    ['UPDATE tenant_acme.orders SET search_path = 1', []],
    ['SELECT current_schemas(false), search_path FROM x', []],
    [`CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = x AS 'SELECT 1'`, []],
    ['DO $$ BEGIN SET LOCAL search_path TO x; END $$', []],
  ])('lets other settings pass: %s', (sql, values) => {
    expect(check(sql, acme, values)).toBe('fine');
  });

  it.each([
    ['strings', `SELECT '${"x''".repeat(2e6)}', E'${"\\'".repeat(1e6)}' FROM orders`],
    ['names', `SELECT "${'x""'.repeat(2e6)}" FROM orders`],
    ['nesting', `SELECT ${'('.repeat(1e5)} SELECT 1 FROM orders`],
    ['comments', `SELECT U&"x" ${'-- '.repeat(1e5)}\n FROM orders`],
  ])('reads statements of any size: long %s', (_, sql) => {
    expect(check(sql)).toBe('without a schema');
  });

  it('quotes the statement, says what to do, and keeps a list', async () => {
    const guard = await SqlGuard.create({ tenant: () => acme, tables: ['orders'] });
    const long = `SELECT ${'1, '.repeat(1000)} 1 FROM orders`;
    expect(() => guard.check('DELETE FROM orders')).toThrow(
      'The SQL guard refused a statement: it names the tenant table "orders" without a schema, so that PostgreSQL takes whichever ' +
        'search_path finds first. Name the schema: { schema: tenants.require().schema } in calls of an EntityManager, or in the ' +
        'text of the statement. What a test prepares can be exempted with guard.off(() => …).\nDELETE FROM orders',
    );
    expect(() => guard.check(long)).toThrow(/ …$/);
    expect(guard.off(() => guard.check(long))).toBeUndefined();
    expect(guard.violations).toMatchObject([
      { code: 'UNSAFE_STATEMENT', statement: 'DELETE FROM orders', tenantId: 'acme', schema: 'tenant_acme' },
      { statement: long },
    ]);
  });

  describe('compared with PostgreSQL, which finds no table without its schema here', () => {
    let database: TestDatabase;
    let client: pg.Client;

    beforeAll(async () => {
      database = await TestDatabase.create();
      await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
      await database.query('CREATE TABLE tenant_acme.orders (id int, name text)');
      client = new pg.Client({ connectionString: database.url });
      await client.connect();
    });
    afterAll(async () => {
      await client.end();
      await database.close();
    });

    it('agrees about queries of any form', async () => {
      const seen = { fine: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(statement, async (sql) => {
          const answer = await client.query(`EXPLAIN ${sql}`).then(
            () => 'fine',
            ({ code, message }) => (code === '42P01' ? 'without a schema' : `${code} ${message}`),
          );
          fc.pre(!/^(42712|42P19|42P10|0A000|42P20)/.test(answer));
          expect([check(sql), sql]).toEqual([answer, sql]);
          seen[answer === 'fine' ? 'fine' : 'refused'] += 1;
        }),
        { numRuns: 2000 },
      );
      expect(Math.min(seen.fine, seen.refused)).toBeGreaterThan(300);
    });
  });
});

describe('a guarded application', () => {
  const Order = defineEntity({
    name: 'Order',
    tableName: 'orders',
    schema: '*',
    properties: { id: p.integer().primary(), total: p.integer() },
  });
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const schema of ['tenant_acme', 'tenant_globex']) {
      await ensureTables(database.pool, { schema, createSchema: true });
      await database.query(`CREATE TABLE ${schema}.orders (id int PRIMARY KEY, total int)`);
    }
  });
  afterAll(() => database.close());

  const start = async () => {
    const app = await boot({ imports: [ormModule(database, { entities: [Order] }), PrismiqModule.forRoot({})] });
    const guard = await SqlGuard.of(app);
    const tenants = app.get(TenantContext);
    const { em } = app.get<MikroORM>((await import('@mikro-orm/core')).MikroORM as never);
    return {
      app,
      guard,
      em: em.fork() as EntityManager,
      asAcme: <T>(fn: () => Promise<T>) => tenants.runInTenant({ tenantId: 'acme', isAdmin: true }, fn),
    };
  };

  it('may use repositories and entities of the tenant in context', async () => {
    const { app, guard, em, asAcme } = await start();
    await asAcme(async () => {
      await app.get(DashboardRepository).create({ name: 'A' });
      await em.insert(Order, { id: 1, total: 1 }, { schema: 'tenant_acme' });
      expect(await em.find(Order, {}, { schema: 'tenant_acme' })).toHaveLength(1);
    });
    expect(guard.violations).toEqual([]);
    await app.close();
  });

  it.each<[string, (em: EntityManager) => Promise<unknown>]>([
    ['an entity without a schema', (em) => em.find(Order, {})],
    ['an entity of another tenant', (em) => em.find(Order, {}, { schema: 'tenant_globex' })],
    ['raw SQL', (em) => em.execute('select * from orders')],
    ['raw SQL of another tenant', (em) => em.execute('delete from tenant_globex.orders')],
    ['Kysely', (em) => em.getKysely<{ orders: { id: number } }>().selectFrom('orders').selectAll().execute()],
    ['a stream', async (em) => (await em.stream(Order, {}).next()).value],
    ['the pool', async (em) => (await em.getConnection().getNativeClient()).query('TABLE orders')],
    ['a session setting', (em) => em.execute('set search_path to tenant_acme')],
    ['a transaction', (em) => em.transactional((inner) => inner.execute('update orders set total = 0'))],
  ])('may not use %s', async (_, attempt) => {
    const { app, guard, em, asAcme } = await start();
    await expect(asAcme(() => attempt(em))).rejects.toThrow(/The SQL guard refused a statement/);
    expect(guard.violations).toHaveLength(1);
    // The exemption follows the flow of control, as the tenant does. What it lets through, PostgreSQL finds or does not.
    await guard.off(() => asAcme(() => attempt(em))).catch((error) => expect(error.message).not.toMatch(/guard/));
    expect(guard.violations).toHaveLength(1);
    guard.stop();
    await asAcme(() => attempt(em)).catch((error) => expect(error.message).not.toMatch(/guard/));
    await app.close();
  });
});

describe('SqlGuard.watch', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.query('CREATE SCHEMA tenant_acme; CREATE TABLE tenant_acme.orders (id int)');
  });
  afterAll(() => database.close());

  it.each(['pool', 'client', 'module'] as const)('guards a %s of pg, in all ways of calling it', async (what) => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const client = await pool.connect();
    client.release();
    using guard = await SqlGuard.create({ tenant: () => acme, tables: ['orders'] });
    guard.watch(what === 'pool' ? pool : what === 'client' ? client : { Client: pg.Client, Pool: pg.Pool });
    const refused = expect.stringMatching(/The SQL guard refused a statement/);
    const getMessage = (error: unknown) => (error as Error | undefined)?.message;

    const lent = await pool.connect();
    const calls: (() => Promise<unknown>)[] = [
      () => lent.query('TABLE orders'),
      () => lent.query({ text: 'TABLE orders' }),
      () => lent.query('SELECT set_config($1, $2, $3)', ['search_path', 'x', 'false']),
      () => lent.query({ text: 'SELECT set_config($1, $2, $3)', values: ['search_path', 'x', 'false'] }),
      () => new Promise((_, reject) => lent.query('TABLE orders', reject)),
      () => new Promise((_, reject) => lent.query('SELECT $1 FROM orders', [1], reject)),
      // As a cursor does.
      async () => lent.query({ text: 'TABLE orders', submit: () => undefined } as never),
    ];
    for (const call of calls) {
      expect(getMessage(await call().catch((error: unknown) => error))).toEqual(refused);
    }
    expect((await lent.query('TABLE tenant_acme.orders')).rows).toEqual([]);
    lent.release();
    await expect(pool.query('TABLE orders')).rejects.toThrow(UnsafeStatementError);
    expect(guard.violations).toHaveLength(calls.length + 1);

    guard.stop();
    await expect(pool.query('TABLE orders')).rejects.toThrow('relation "orders" does not exist');
    await pool.end();
  });

  it('knows the tenant of a statement that has queued for a connection', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const tenants = new AsyncLocalStorage<{ schema: string }>();
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    using guard = await SqlGuard.create({ tenant: () => tenants.getStore(), tables: ['orders'] });
    guard.watch(pool);
    const ask = (schema: string) => tenants.run({ schema }, () => pool.query('TABLE tenant_acme.orders'));
    const outcomes = await Promise.allSettled(['tenant_acme', 'other', 'tenant_acme', 'other', 'other'].map(ask));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    await pool.end();
  });
});
