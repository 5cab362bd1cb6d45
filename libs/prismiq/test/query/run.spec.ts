import type { MikroORM } from '@mikro-orm/postgresql';
import { Pool } from 'pg';
import { startPgBouncer } from '../../../../test/support/pgbouncer.js';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { WireProxy } from '../../../../test/support/wire-proxy.js';
import {
  QueryDataError,
  QueryFailedError,
  QueryResultTooLargeError,
  QueryTimeoutError,
} from '../../src/errors/query-run.errors.js';
import { ConnectionsBusyError } from '../../src/errors/query-run.errors.js';
import { TenantBusyError } from '../../src/errors/tenancy.errors.js';
import { QueryRunner, type RunLimits, type RunOptions } from '../../src/query/run/query-runner.js';
import type { Tenant } from '../../src/tenancy/tenant.js';
import type { Lender } from '../../src/sql/borrow.js';
import { until } from '../support/until.js';

const LIMITS: RunLimits = {
  resultBytes: 16 * 1024 * 1024,
  timeoutMs: 30_000,
  lockTimeoutMs: 1000,
  total: 4,
  perTenant: 2,
  waitTimeoutMs: 30_000,
};
const tenantNamed = (tenantId: string) => ({ tenantId, schema: `tenant_${tenantId}`, userId: 'ada', isAdmin: false });
const acme = tenantNamed('acme');

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: 2 });

describe('running a statement', () => {
  let database: TestDatabase;
  let orm: MikroORM;
  let pool: Pool;

  beforeAll(async () => {
    database = await TestDatabase.create();
    orm = await database.orm({ pool: { max: 4 } });
    pool = new Pool({ connectionString: database.url, max: 1 });
    await database.query(
      `CREATE SCHEMA tenant_acme; CREATE TYPE tenant_acme.mood AS ENUM ('sad', 'ok');
       CREATE DOMAIN tenant_acme.percent AS integer; CREATE TABLE tenant_acme.orders (id integer); CREATE SEQUENCE tenant_acme.s`,
    );
  });
  afterAll(async () => {
    await pool.end();
    await bouncer?.stop();
    await database.close();
  });

  /** Runs statements for `acme`, unless another tenant is named. */
  const createRunner = (lender: Lender, limits: Partial<RunLimits> = {}) => {
    const runner = new QueryRunner(lender, { ...LIMITS, ...limits });
    return {
      run: (
        sql: string,
        parameters: unknown[] = [],
        { tenant = acme, ...options }: Partial<RunOptions> & { tenant?: Tenant } = {},
      ) => runner.run(tenant, { sql, parameters }, { maximumRows: 10_000, ...options }),
    };
  };
  const run = (sql: string, parameters?: unknown[], options?: Partial<RunOptions>) =>
    createRunner({ em: orm.em }).run(sql, parameters, options);
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => {
        throw new Error('did not fail');
      },
      (error: unknown) => error as Error & { sqlState?: string },
    );

  it.each([
    ['2::smallint', 2, 'smallint'],
    ['2', 2, 'integer'],
    ['9007199254740992::bigint', 9007199254740992, 'bigint'],
    ['-9007199254740993::bigint', '-9007199254740993', 'bigint'],
    ['1234.50::numeric', 1234.5, 'numeric'],
    ['12345678901234567890.5', '12345678901234567890.5', 'numeric'],
    [`'NaN'::numeric`, null, 'numeric'],
    [`'-Infinity'::float8`, null, 'double precision'],
    ['0.1::real', 0.1, 'real'],
    ['true', true, 'boolean'],
    ['NULL::boolean', null, 'boolean'],
    [`'x'::text`, 'x', 'text'],
    [`'x'::varchar(3)`, 'x', 'character varying'],
    [`'x'::char(3)`, 'x  ', 'character'],
    [`'ok'::tenant_acme.mood`, 'ok', 'text'],
    [`7::tenant_acme.percent`, 7, 'integer'],
    [`'6b1b1f0e-0000-4000-8000-000000000000'::uuid`, '6b1b1f0e-0000-4000-8000-000000000000', 'uuid'],
    [`'10.0.0.1'::inet`, '10.0.0.1', 'inet'],
    [`'2024-05-01'::date`, '2024-05-01', 'date'],
    [`'2024-05-01 12:30'::timestamp`, '2024-05-01T12:30:00', 'timestamp without time zone'],
    [`'2024-05-01 12:30:00.5'::timestamp`, '2024-05-01T12:30:00.500000', 'timestamp without time zone'],
    [`'infinity'::timestamp`, 'infinity', 'timestamp without time zone'],
    [`'2024-05-01 12:30+02'::timestamptz`, '2024-05-01T10:30:00Z', 'timestamp with time zone'],
    [`'2024-05-01 12:30:00.25+02'::timestamptz`, '2024-05-01T10:30:00.250000Z', 'timestamp with time zone'],
    [`'12:30'::time`, '12:30:00', 'time without time zone'],
    [`'12:30:00.5+02'::timetz`, '12:30:00.500000+02:00', 'time with time zone'],
    [`'12:30+05:30'::timetz`, '12:30:00+05:30', 'time with time zone'],
    [`'1 year 2 mons 3 days 04:05:06.5'::interval`, (365 + 60 + 3) * 86_400 + 14_706.5, 'interval'],
    [`'-1 days -00:00:01'::interval`, -86_401, 'interval'],
    [`'1 day'::interval * 0`, 0, 'interval'],
    [String.raw`'\x00ff'::bytea`, '00ff', 'bytea'],
    [`'{"a": 1}'::jsonb`, '{"a": 1}', 'jsonb'],
    [`'[1,  2]'::json`, '[1,  2]', 'json'],
    [`'[1,5)'::int4range`, '[1,5)', 'int4range'],
    [`ARRAY[1, NULL, 3]`, [1, null, 3], 'ARRAY'],
    [`ARRAY[[1, 2], [3, 4]]`, [[1, 2], [3, 4]], 'ARRAY'],
    [`'[0:1]={1,2}'::int[]`, [1, 2], 'ARRAY'],
    [`ARRAY[]::text[]`, [], 'ARRAY'],
    [String.raw`ARRAY['a', 'b, "c"', '', 'NULL', NULL, '{}', 'd\e', ' ']`, ['a', 'b, "c"', '', 'NULL', null, '{}', String.raw`d\e`, ' '], 'ARRAY'],
    [`ARRAY['2024-05-01 12:30+00'::timestamptz]`, ['2024-05-01T12:30:00Z'], 'ARRAY'],
    [`ARRAY['{"a": "b"}'::jsonb]`, ['{"a": "b"}'], 'ARRAY'],
  ])('converts %s', async (sql, value, type) => {
    const { rows, types } = await run(`SELECT ${sql}, 'last'`);
    expect([rows, types[0]]).toEqual([[[value, 'last']], type]);
  }); // prettier-ignore

  it('gives instants as UTC, whatever the zone of the session', async () => {
    const runner = createRunner({ em: orm.em });
    const sql = `SELECT '2024-01-01 00:30:00.5+00'::timestamptz, '1890-06-01 00:00+00'::timestamptz, current_setting('TimeZone')`;
    const { rows } = await runner.run(sql, [], { timeZone: 'Europe/Amsterdam' });
    expect(rows).toEqual([['2024-01-01T00:30:00.500000Z', '1890-06-01T00:00:00Z', 'Europe/Amsterdam']]);
  });

  it('binds values of each kind', async () => {
    const values = [1, 'a"\\', null, true, ['x', null, 'y"\\z', '{,}'], 1.5];
    const { rows } = await run('SELECT $1::int, $2::text, $3::text, $4::boolean, $5::text[], $6::numeric', values);
    expect(rows).toEqual([values]);
  });

  it('reads at most so many rows, and says whether there were more', async () => {
    const sql = 'SELECT n FROM generate_series(1, $1::int) AS n';
    const count = async (rows: number, maximumRows = 10_000) => {
      const result = await run(sql, [rows], { maximumRows });
      return [result.rows.length, result.rows.at(-1)?.[0], result.isTruncated];
    };
    expect(await count(0)).toEqual([0, undefined, false]);
    expect(await count(2048)).toEqual([2048, 2048, false]);
    expect(await count(10_000)).toEqual([10_000, 10_000, false]);
    expect(await count(10_001)).toEqual([10_000, 10_000, true]);
    expect(await count(1_000_000, 5)).toEqual([5, 5, true]);
  });

  it('changes nothing, and leaves nothing behind in the session', async () => {
    const lender = { pool };
    const state = async () =>
      (
        await pool.query(
          `SELECT pg_backend_pid(), string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings`,
        )
      ).rows;
    const before = await state();
    for (const sql of [
      `SELECT nextval('tenant_acme.s')`,
      'INSERT INTO tenant_acme.orders VALUES (1)',
      'CREATE TEMP TABLE t (a int)',
      'DROP TABLE tenant_acme.orders',
    ]) {
      expect((await failure(createRunner(lender).run(sql))).sqlState).toBe('25006');
    }
    expect(await failure(createRunner(lender).run('SELECT 1; SELECT 2'))).toBeInstanceOf(QueryFailedError);
    await createRunner(lender).run(`SELECT set_config('timezone', 'Asia/Tokyo', true)`);
    expect(await state()).toEqual(before);
  });

  it('does not take from the session how names are found and values are read', async () => {
    const prepare = (sql: string) => suiteGuard.off(() => pool.query(sql));
    await prepare(
      `SET search_path = tenant_acme; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601';
       SET bytea_output = 'escape'; SET extra_float_digits = -10; SET statement_timeout = 1; SET standard_conforming_strings = off`,
    );
    const sql = String.raw`SELECT '2024-05-01 12:30+02'::timestamptz, '1 day'::interval, '\xff'::bytea, 0.1::float8 + 0.2, 'a\'`;
    const { rows } = await createRunner({ pool }).run(sql);
    expect(rows).toEqual([['2024-05-01T10:30:00Z', 86_400, 'ff', 0.1 + 0.2, 'a\\']]);
    expect((await failure(createRunner({ pool }).run('SELECT * FROM orders'))).sqlState).toBe('42P01');
    await prepare('RESET ALL');
  });

  it.each([
    ['SELECT 1 / 0', '22012', 'Division by zero'],
    [`SELECT 'secret'::text::int`, '22P02', 'A value cannot be converted to the type that is expected'],
    ['SELECT 2147483647 + (SELECT 1)', '22003', 'A number is out of the range of its type'],
    [
      'SELECT (SELECT n FROM generate_series(1, 2) AS n)',
      '21000',
      'A subquery that must return one row returned more than one',
    ],
  ])('tells the author of %s what is wrong with it', async (sql, sqlState, message) => {
    const error = await failure(run(sql));
    expect(error).toBeInstanceOf(QueryDataError);
    expect(error).toMatchObject({ statusCode: 400, sqlState, message, tenantId: 'acme' });
  });

  describe('the limits', () => {
    /** Which session a pool of one connection has, and whether it is idle. */
    const findSession = async (one: Pool) =>
      (await one.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;
    const isActive = async (pid: number) =>
      (await database.query(`SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state <> 'idle'`, [pid])).length > 0;

    it('time: the server ends the statement, and its connection is used again', async () => {
      const pid = await findSession(pool);
      const error = await failure(createRunner({ pool }, { timeoutMs: 200 }).run('SELECT pg_sleep(60)'));
      expect(error).toBeInstanceOf(QueryTimeoutError);
      expect(error).toMatchObject({ statusCode: 504, message: 'Query exceeded timeout of 0.2 seconds' });
      expect(await findSession(pool)).toBe(pid);
    });

    it('time, also of a statement that sends rows all the while', async () => {
      const sql = 'SELECT pg_sleep(0.0005), n FROM generate_series(1, 100000) AS n';
      const error = await failure(createRunner({ pool }).run(sql, [], { timeoutMs: 1500, maximumRows: 100_000 }));
      expect(error).toBeInstanceOf(QueryTimeoutError);
    });

    it('a lock that another transaction holds', async () => {
      const holder = await database.pool.connect();
      await holder.query('BEGIN; LOCK TABLE tenant_acme.orders');
      expect(
        await failure(createRunner({ pool }, { lockTimeoutMs: 50 }).run('SELECT * FROM tenant_acme.orders')),
      ).toMatchObject({
        statusCode: 503,
        sqlState: '55P03',
      });
      await holder.query('ROLLBACK');
      holder.release();
    });

    it('bytes: what is beyond them is not kept, and the connection is used again', async () => {
      const pid = await findSession(pool);
      const sql = `SELECT n, repeat('x', 100) FROM generate_series(1, 1000000) AS n`;
      const error = await failure(createRunner({ pool }).run(sql, [], { maximumRows: 10_000_000 }));
      expect(error).toBeInstanceOf(QueryResultTooLargeError);
      expect(error).toMatchObject({ statusCode: 413, limit: LIMITS.resultBytes });
      expect(await findSession(pool)).toBe(pid);
      expect(await isActive(pid)).toBe(false);
    });

    it('bytes of a single value', async () => {
      const error = await failure(createRunner({ pool }).run(`SELECT repeat('x', 200000000)`));
      expect(error).toBeInstanceOf(QueryResultTooLargeError);
      expect(await findSession(pool)).toBeGreaterThan(0);
    });

    it('the caller has gone: the statement is canceled, also on MikroORM’s connections', async () => {
      for (const lender of [{ pool }, { em: orm.em }]) {
        const controller = new AbortController();
        const running = createRunner(lender).run(`SELECT 'marked', pg_sleep(60)`, [], { signal: controller.signal });
        const active = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%marked%' AND state = 'active' AND pid <> pg_backend_pid()`;
        const [session] = await until('the statement runs', async () => {
          const rows = await database.query<{ pid: number }>(active);
          return rows.length > 0 ? rows : undefined;
        });
        controller.abort(new Error('gone'));
        expect((await failure(running)).message).toBe('gone');
        await until('the session is idle', async () => !(await isActive(session!.pid)));
        expect(await database.query(`SELECT 1 FROM pg_stat_activity WHERE pid = $1`, [session!.pid])).toHaveLength(1);
      }
      expect((await createRunner({ pool }).run('SELECT 1')).rows).toEqual([[1]]);
    });

    it('the caller has gone before: nothing is sent', async () => {
      const signal = AbortSignal.abort(new Error('gone'));
      await expect(createRunner({ pool }).run('SELECT 1', [], { signal })).rejects.toThrow('gone');
    });

    it('a server that does not answer: the connection is closed', async () => {
      await using proxy = await WireProxy.start(database.url);
      const one = new Pool({ connectionString: proxy.url, max: 1 });
      one.on('error', () => undefined);
      await one.query('SELECT 1');
      proxy.failOnce(/never/, 'unanswered');
      const error = await failure(createRunner({ pool: one }, { timeoutMs: 100 }).run(`SELECT 'never'`));
      expect(error).toBeInstanceOf(QueryTimeoutError);
      await until('another connection works', () =>
        createRunner({ pool: one })
          .run('SELECT 1')
          .then(
            ({ rows }) => rows.length === 1,
            () => false,
          ),
      );
      await one.end();
    });

    it('a connection that is lost is not lent again', async () => {
      const pid = await findSession(pool);
      const running = failure(createRunner({ pool }).run('SELECT pg_sleep(60)'));
      await until('the statement runs', () => isActive(pid));
      await database.query('SELECT pg_terminate_backend($1)', [pid]);
      expect(await running).toMatchObject({ statusCode: 503, code: 'CONNECTION_FAILED' });
      expect(await findSession(pool)).not.toBe(pid);
    });

    it('the pool: a query that gets no connection in time does not begin', async () => {
      const client = await pool.connect();
      const error = await failure(createRunner({ pool }, { waitTimeoutMs: 50 }).run('SELECT 1'));
      expect(error).toBeInstanceOf(ConnectionsBusyError);
      expect(error).toMatchObject({ statusCode: 503, retryAfterSeconds: 1 });
      client.release();
      expect((await createRunner({ pool }).run('SELECT 1')).rows).toEqual([[1]]);
    });
  });

  describe('one tenant that runs heavy statements', () => {
    it('does not starve the others', async () => {
      const runner = createRunner({ em: orm.em }, { waitTimeoutMs: 60_000 });
      const controller = new AbortController();
      const heavy = Array.from({ length: 50 }, () =>
        failure(runner.run('SELECT pg_sleep(60)', [], { signal: controller.signal })),
      );
      const sleeping = () =>
        database.query(
          `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()`,
        );
      await until('its share is in use', async () => (await sleeping()).length === LIMITS.perTenant);
      for (let index = 0; index < 40; index += 1) {
        expect((await runner.run('SELECT 1', [], { tenant: tenantNamed(`t${index % 4}`) })).rows).toEqual([[1]]);
      }
      expect((await sleeping()).length).toBe(LIMITS.perTenant);
      controller.abort(new Error('enough'));
      expect(new Set((await Promise.all(heavy)).map(({ message }) => message))).toEqual(new Set(['enough']));
    });

    it('is told to come back when it has waited for too long', async () => {
      const runner = createRunner({ em: orm.em }, { waitTimeoutMs: 100, perTenant: 1 });
      const controller = new AbortController();
      const first = failure(runner.run('SELECT pg_sleep(60)', [], { signal: controller.signal }));
      await expect(runner.run('SELECT 1')).rejects.toThrow(TenantBusyError);
      controller.abort(new Error('enough'));
      await first;
    });
  });

  (bouncer === undefined ? describe.skip : describe)('through PgBouncer in transaction mode', () => {
    let behind: Pool;
    beforeAll(() => {
      behind = new Pool({ connectionString: bouncer!.through(database.url), max: 6 });
    });
    afterAll(() => behind.end());

    it('many at once, of which some fail, time out or are canceled: each gets its own rows', async () => {
      const runner = createRunner({ pool: behind }, { total: 6, perTenant: 6 });
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const kind = index % 4;
          const signal = kind === 3 ? AbortSignal.timeout(50) : undefined;
          const sql = [
            'SELECT $1::int',
            'SELECT 1 / ($1::int * 0)',
            'SELECT pg_sleep(30), $1::int',
            'SELECT pg_sleep(30), $1::int',
          ][kind]!;
          const options = { signal, timeoutMs: kind === 2 ? 100 : undefined };
          const error = await runner.run(sql, [index], options).then(
            ({ rows }) => (expect(rows).toEqual([[index]]), undefined),
            (thrown: unknown) => thrown as Error,
          );
          return [kind, error?.constructor.name];
        }),
      );
      const kinds = new Set(outcomes.map((outcome) => outcome.join()));
      expect(kinds).toEqual(new Set(['0,', '1,QueryDataError', '2,QueryTimeoutError', '3,DOMException']));
      const { rows } =
        await behind.query(`SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout,
        current_setting('transaction_read_only') AS "readOnly"`);
      expect(rows).toEqual([{ path: '"$user", public', timeout: '0', readOnly: 'off' }]);
    });
  });
});
