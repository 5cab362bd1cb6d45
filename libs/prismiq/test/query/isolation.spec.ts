import type { INestApplication } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  DashboardRepository,
  ensureTables,
  PrismiqError,
  PrismiqModule,
  QueryService,
  rowCondition,
  TenantContext,
  tenantsFromList,
  type Dashboard,
} from '@prismiq/nestjs';
import { startPgBouncer } from '../../../../test/support/pgbouncer.js';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { Choices } from '../support/fuzz.js';
import { boot, ormModule, resolver } from '../support/host.js';
import { serverSessions } from '../support/server-sessions.js';
import { HIDDEN, hostileNames, hostileQuery, hostileSql, hostileValue } from './hostile-queries.js';

const ALL = 20_000;
const OPERATIONS = Number(process.env['FUZZ_OPERATIONS'] ?? ALL / 10);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const WORKERS = 12;
const CONNECTIONS = 6;
const TENANTS = Array.from({ length: 20 }, (_, index) => `t${String(index).padStart(2, '0')}`);
const MARK = /<t\d\d>/g;

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: CONNECTIONS });
afterAll(() => bouncer?.stop());

const MODES = [
  ['a schema for each tenant', (tenantId: string) => `tenant_${tenantId}`],
  ['one schema for all tenants', () => 'everybody'],
] as const;
const ROUTES = [
  ['direct', (url: string) => url],
  ...(bouncer === undefined ? [] : [['through PgBouncer', (url: string) => bouncer.through(url)] as const]),
] as const;

const TABLES = (schema: string): string => `
  CREATE TYPE ${schema}.mood AS ENUM ('ok', 'sad');
  CREATE TABLE ${schema}.customers (id int, tenant_id text, name text, secret text DEFAULT '${HIDDEN}');
  CREATE TABLE ${schema}.orders (id int, tenant_id text, note text, total numeric(10,2), customer_id int, placed_at timestamptz, tags text[],
    details jsonb, paid boolean, mood ${schema}.mood, secret text DEFAULT '${HIDDEN}');
  CREATE TABLE ${schema}.salaries (id int, tenant_id text, secret text DEFAULT '${HIDDEN}');`;

const ROWS = (schema: string, tenant: string): string => `
  INSERT INTO ${schema}.customers SELECT n, '${tenant}', 'c' || n || ' <${tenant}>' FROM generate_series(1, 4) AS n;
  INSERT INTO ${schema}.orders SELECT n, '${tenant}', 'o' || n || ' <${tenant}>', n * 10, 1 + n % 5, timestamptz '2024-01-01Z' + n * interval '20 days',
    ARRAY['<${tenant}>'], jsonb_build_object('a', '<${tenant}>'), n % 2 = 0, 'ok' FROM generate_series(1, 12) AS n;
  INSERT INTO ${schema}.salaries VALUES (1, '${tenant}');`;

describe.each(MODES)(`${OPERATIONS} hostile queries with %s (FUZZ_SEED=${SEED})`, (_, schemaFor) => {
  describe.each(ROUTES)('%s', (route, urlFor) => {
    let database: TestDatabase;
    let app: INestApplication;
    const boards = new Map<string, Dashboard>();
    const schemas = [...new Set(TENANTS.map(schemaFor))];

    beforeAll(async () => {
      database = await TestDatabase.create();
      for (const schema of schemas) {
        await suiteGuard.off(() => ensureTables(database.pool, { schema, createSchema: true }));
        await database.query(TABLES(schema));
      }
      for (const tenant of TENANTS) {
        await database.query(ROWS(schemaFor(tenant), tenant));
      }
      const hidden = { secret: { hidden: true }, tenant_id: { hidden: true } };
      app = await boot({
        imports: [
          ormModule(database, { clientUrl: urlFor(database.url), pool: { max: CONNECTIONS } }),
          PrismiqModule.forRoot({
            resolver,
            schemaFor,
            directory: tenantsFromList(TENANTS),
            query: {
              tables: { orders: { columns: hidden }, customers: { columns: hidden }, salaries: { hidden: true } },
              rowFilter: (__, { tenantId }) => rowCondition`tenant_id = ${tenantId}`,
              limits: { timeoutMs: 5000, concurrency: CONNECTIONS, perTenant: CONNECTIONS },
              sqlMode: { mayRun: () => true },
            },
          }),
        ],
      });
      for (const tenant of TENANTS) {
        const query = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'note' }] };
        const position = { x: 0, y: 0, w: 1, h: 1 };
        const board = await as(tenant, () =>
          app.get(DashboardRepository).create({
            name: `D <${tenant}>`,
            filters: ['date_range', 'select', 'multi_select', 'text', 'number_range'].map((type, index) => ({
              ...{ id: `f${index}`, type: type as 'select', label: type },
              field: ['placed_at', 'note', 'note', 'secret', 'total'][index]!,
            })),
            widgets: [
              { type: 'table', title: 'Q', position, query },
              {
                type: 'table',
                title: 'S',
                position: { ...position, y: 1 },
                config: { raw_sql: 'SELECT * FROM orders' },
              },
            ],
          }),
        );
        boards.set(tenant, board);
      }
    }, 300_000);
    afterAll(async () => {
      await app.close();
      await database.close();
    });

    const as = <T>(tenantId: string, work: () => Promise<T>): Promise<T> =>
      app.get(TenantContext).runInTenant({ tenantId, userId: 'ada' }, work);

    const operation = (choices: Choices, tenant: string): (() => Promise<unknown>) => {
      const queries = app.get(QueryService);
      const kind = choices.below(10);
      if (kind < 5) {
        const query = hostileQuery(choices);
        return () =>
          kind === 0 ? queries.validate(query) : kind === 1 ? queries.compile(query).then(() => 0) : queries.run(query);
      }
      if (kind < 8) {
        const [sql, other] = [hostileSql(choices), TENANTS[choices.below(20)]!];
        return () => queries.runSql(sql.replace('t01', other), { params: { x: hostileValue(choices) as never } });
      }
      if (kind === 8) {
        const [table, column] = hostileNames(choices);
        return () => queries.sample(table, column);
      }
      // The dashboard of another is not found.
      const board = boards.get(choices.chance(0.9) ? tenant : choices.of(TENANTS))!;
      const filterValues = Array.from({ length: 2 }, () => ({
        filter_id: `f${choices.below(5)}`,
        value: hostileValue(choices),
      }));
      return () => queries.runWidget(board.id, choices.of(board.widgets).id, { filterValues });
    };

    const fingerprint = () =>
      Promise.all(
        schemas.map((schema) =>
          database.query(
            `SELECT md5(string_agg(t, '' ORDER BY t)) AS print FROM (SELECT o::text AS t FROM ${schema}.orders o UNION ALL SELECT c::text FROM ${schema}.customers c
             UNION ALL SELECT s::text FROM ${schema}.salaries s UNION ALL SELECT d::text FROM ${schema}.prismiq_dashboards d
             UNION ALL SELECT w::text FROM ${schema}.prismiq_widgets w) AS all_rows`,
          ),
        ),
      );

    it('no foreign row, no hidden value, no row changed, no session state left', async () => {
      const before = await fingerprint();
      const faults: string[] = [];
      const statuses = new Map<number, number>();
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const worker = async (first: number) => {
        for (let index = first; index < OPERATIONS && faults.length === 0; index += WORKERS) {
          const choices = new Choices(SEED * ALL + index);
          const tenant = choices.of(TENANTS);
          const run = operation(choices, tenant);
          let shown: unknown;
          let status = 200;
          try {
            shown = await as(tenant, run);
          } catch (error) {
            status = error instanceof PrismiqError ? error.statusCode : 500;
            shown =
              error instanceof PrismiqError
                ? [error.clientMessage, (error as { issues?: unknown }).issues]
                : String(error);
            if (status === 500) {
              faults.push(`operation ${index} failed: ${(error as Error).stack} ${String((error as Error).cause)}`);
            }
          }
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          const text = JSON.stringify(shown);
          const foreign = text.match(MARK)?.find((mark) => mark !== `<${tenant}>`);
          if (foreign !== undefined || (text.includes(HIDDEN) && status === 200)) {
            faults.push(`operation ${index} showed ${tenant} ${foreign ?? HIDDEN}: ${text.slice(0, 1000)}`);
          }
        }
      };
      await Promise.all(Array.from({ length: WORKERS }, (__, first) => worker(first)));
      logged.mockRestore();
      expect(faults).toEqual([]);
      expect(await fingerprint()).toEqual(before);
      // Many are right, and come far.
      expect(statuses.get(200)).toBeGreaterThan(OPERATIONS / 10);
      expect(statuses.get(400)).toBeGreaterThan(OPERATIONS / 10);
      await expectCleanSessions();
    }, 1_200_000);

    const expectCleanSessions = async () => {
      expect(
        await database.query(
          `SELECT locktype FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        ),
      ).toEqual([]);
      const settings = ['search_path', 'role', 'statement_timeout', 'transaction_read_only', 'TimeZone'];
      const clean = {
        search_path: '"$user", public',
        role: 'none',
        statement_timeout: '0',
        transaction_read_only: 'off',
      };
      if (route === 'direct') {
        const pool = await app.get(MikroORM).em.getConnection('write').getNativeClient();
        const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()));
        for (const client of clients) {
          const columns = settings.map((setting) => `current_setting('${setting}') AS "${setting}"`).join(', ');
          const { rows } = await client.query(`SELECT ${columns}, pg_my_temp_schema()::int AS temp`);
          expect(rows[0]).toMatchObject({ ...clean, temp: 0 });
          client.release();
        }
      } else {
        for (const session of await serverSessions(urlFor(database.url), CONNECTIONS, settings.slice(0, 3))) {
          const { transaction_read_only: __, ...expected } = clean;
          expect(session).toEqual(expected);
        }
      }
    };
  });
});
