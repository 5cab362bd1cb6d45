import { NestFactory } from '@nestjs/core';
import type { DynamicModule } from '@nestjs/common';
import { Client, Pool } from 'pg';
import {
  ensureTables,
  hostMigrations,
  InvalidOptionsError,
  MigrationTargetError,
  prismiqMigrations,
  PRISMIQ_HISTORY_TABLE,
  PrismiqModule,
  TenantMigrator,
  TenantSelectionError,
  tenantsFromList,
} from '@prismiq/nestjs';
import { describeCatalog, schemaNames } from '../../../test/support/catalog.js';
import { TABLES_MD } from '../../../test/support/tables-md.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { CURRENCY, Fleet, Log, migration, ORDERS, prismiqUpTo, statements, withHost } from './support/fleet.js';
import { ormModule } from './support/host.js';

const V1 = 'prismiq_0001_tables';
const V2 = 'prismiq_0002_version_and_list_index';

describe('TenantMigrator', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  const readHistory = async (schema: string, table = PRISMIQ_HISTORY_TABLE) =>
    (await database.query<{ name: string }>(`SELECT name FROM "${schema}"."${table}" ORDER BY id`)).map(
      ({ name }) => name,
    );
  const makeSchemas = (fleet: Fleet) =>
    Promise.all(fleet.schemas.map((schema) => database.query(`CREATE SCHEMA "${schema}"`)));

  describe('up', () => {
    it.each(['a pg pool', 'a MikroORM instance'])('takes all tenants to the newest version, on %s', async (kind) => {
      const fleet = new Fleet(database, kind === 'a pg pool' ? 'pool' : 'orm', 12);
      const target = kind === 'a pg pool' ? database.pool : await database.orm();
      await makeSchemas(fleet);
      const log = new Log();
      const report = await fleet.migrator({ database: target }).up({ ...log, concurrency: 3 });
      expect(report).toMatchObject({ direction: 'up', total: 12, failures: [], stopped: undefined });
      expect(report.counts).toMatchObject({ migrated: 12, failed: 0, skipped: 0 });
      for (const schema of fleet.schemas) {
        expect(await describeCatalog(database, schema)).toEqual(TABLES_MD);
        expect(await readHistory(schema)).toEqual([V1, V2]);
      }
      expect(log.result('000')).toMatchObject({
        tenantId: '000',
        schema: fleet.schemaFor('000'),
        state: 'migrated',
        from: { prismiq: null },
        to: { prismiq: V2 },
        migrations: [`prismiq:${V1}`, `prismiq:${V2}`],
        attempts: 1,
      });
      expect((await fleet.migrator({ database: target }).up()).counts).toMatchObject({ unchanged: 12 });
    });

    it('reports its progress', async () => {
      const fleet = new Fleet(database, 'events', 2);
      await makeSchemas(fleet);
      const log = new Log();
      const report = await fleet.migrator().up({ ...log, concurrency: 1 });
      expect(log.events.map(({ type }) => type)).toEqual([
        'run-started',
        'ring-started',
        'tenant-started',
        'tenant-finished',
        'tenant-started',
        'tenant-finished',
        'ring-finished',
        'run-finished',
      ]);
      expect(log.of('run-finished')[0]!.report).toEqual(report);
      expect(JSON.parse(JSON.stringify(log.events))).toHaveLength(8);
    });

    it('runs the host’s migrations in the same transaction, in the order of the sources', async () => {
      const fleet = new Fleet(database, 'same', 1);
      await makeSchemas(fleet);
      const order = statements('0001', [
        'CREATE TABLE notes AS SELECT id AS dashboard_id FROM same_000.prismiq_dashboards',
      ]);
      const broken = statements('0002', ['SELECT 1/0 FROM generate_series(1, 1)']);
      const [schema] = fleet.schemas as [string];
      const failed = await fleet.migrator({ migrations: withHost(order, broken) }).up();
      expect(failed.failures).toMatchObject([
        { state: 'failed', sqlState: '22012', to: { prismiq: null, host: null } },
      ]);
      expect(await describeCatalog(database, schema)).toEqual([]);

      const log = new Log();
      await fleet.migrator({ migrations: withHost(order) }).up(log);
      expect(log.results[0]!.migrations).toEqual([`prismiq:${V1}`, `prismiq:${V2}`, 'host:0001']);
      expect(await readHistory(schema, 'mikro_orm_migrations')).toEqual(['0001']);
      const xacts = await database.query(
        `SELECT xmin FROM "${schema}".prismiq_migrations UNION SELECT xmin FROM "${schema}".mikro_orm_migrations`,
      );
      expect(xacts).toHaveLength(1);
    });

    it('creates schemas only if asked to', async () => {
      const fleet = new Fleet(database, 'absent', 1);
      const refused = await fleet.migrator().up();
      expect(refused.failures[0]).toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
      expect(await schemaNames(database)).not.toContain('absent_000');
      await fleet.migrator().up({ createSchema: true });
      expect(await describeCatalog(database, 'absent_000')).toEqual(TABLES_MD);
    });

    it('stops at a version', async () => {
      const fleet = new Fleet(database, 'target', 1);
      await makeSchemas(fleet);
      const migrator = fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) });
      await migrator.up({ to: V1 });
      expect(await readHistory('target_000')).toEqual([V1]);
      await migrator.up({ source: 'host', to: '0001_orders' });
      expect(await readHistory('target_000', 'mikro_orm_migrations')).toEqual(['0001_orders']);
      await migrator.up();
      expect((await migrator.status()).upToDate).toBe(true);
      await expect(migrator.up({ to: 'prismiq_0003' })).rejects.toThrow(MigrationTargetError);
    });

    it('works on a schema once, if tenants share it', async () => {
      const fleet = new Fleet(database, 'shared', 3);
      const migrator = fleet.migrator({ schemaFor: () => 'shared_by_all' });
      expect(await migrator.up({ createSchema: true })).toMatchObject({ total: 1, counts: { migrated: 1 } });
    });

    it('takes no tenant for granted: among many equal tenants, some differ', async () => {
      const fleet = new Fleet(database, 'alike', 120);
      await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true, concurrency: 8 });
      const done = statements('0002_done', ['ALTER TABLE orders ADD COLUMN done boolean']);
      const other = statements('0002_other', ['ALTER TABLE orders ADD COLUMN other boolean']);
      await fleet.migrator({ migrations: withHost(ORDERS, done) }).up({ tenants: ['05?', '100'] });
      await fleet.migrator({ migrations: withHost(ORDERS, other) }).up({ tenants: ['07?'] });
      await database.query('DROP TABLE alike_110.mikro_orm_migrations, alike_110.orders');
      await database.query('DROP SCHEMA alike_111 CASCADE');
      const log = new Log();
      const report = await fleet
        .migrator({ migrations: withHost(ORDERS, done, other) })
        .up({ ...log, createSchema: true, concurrency: 4 });
      expect(report.failures).toEqual([]);
      expect(report.counts).toMatchObject({ migrated: 120 });
      expect(log.of('tenant-retry')).toEqual([]);
      expect(log.result('001').migrations).toEqual(['host:0002_done', 'host:0002_other']);
      expect(log.result('055').migrations).toEqual(['host:0002_other']);
      expect(log.result('075').migrations).toEqual(['host:0002_done']);
      expect(log.result('110').migrations).toEqual(['host:0001_orders', 'host:0002_done', 'host:0002_other']);
      for (const schema of fleet.schemas) {
        expect((await readHistory(schema, 'mikro_orm_migrations')).toSorted()).toEqual([
          '0001_orders',
          '0002_done',
          '0002_other',
        ]);
        expect(
          (await describeCatalog(database, schema)).filter((line) => /orders\.(done|other)/.test(line)),
        ).toHaveLength(2);
      }
    });

    it('keeps what the host has added to our tables, and what a newer version has recorded', async () => {
      const fleet = new Fleet(database, 'newer', 1);
      await fleet.migrator().up({ createSchema: true });
      await database.query(`ALTER TABLE newer_000.prismiq_dashboards ADD COLUMN color text`);
      await database.query(`INSERT INTO newer_000.prismiq_migrations (name) VALUES ('prismiq_9999_future')`);
      expect((await fleet.migrator().up()).counts).toMatchObject({ unchanged: 1 });
      expect((await fleet.migrator().status()).groups[0]).toMatchObject({ unknown: ['prismiq:prismiq_9999_future'] });
    });
  });

  describe('the host’s migrations', () => {
    it('may send statements by themselves, in the tenant’s transaction and schema', async () => {
      const orm = await database.orm();
      const fleet = new Fleet(database, 'dynamic', 3);
      const fill = migration('0002_fill', async (self) => {
        self.addSql('ALTER TABLE orders ADD COLUMN label text');
        const [{ schema }] = (await self.execute('SELECT current_schema() AS schema')) as [{ schema: string }];
        await self.execute('INSERT INTO orders (id, total) VALUES (?, ?)', [1, 7]);
        const em = self.getEntityManager();
        await em.transactional((inner) => inner.execute('UPDATE orders SET total = total + 1'));
        const [{ total }] = (await em.execute('SELECT total FROM orders')) as [{ total: number }];
        self.addSql(`UPDATE orders SET label = '${schema} ${total}; done'`);
      });
      const log = new Log();
      await fleet.migrator({ database: orm, migrations: withHost(ORDERS, fill) }).up({ ...log, createSchema: true });
      expect(log.results.map(({ state }) => state)).toEqual(['migrated', 'migrated', 'migrated']);
      for (const schema of fleet.schemas) {
        expect(await database.query(`SELECT total, label FROM ${schema}.orders`)).toEqual([
          { total: 8, label: `${schema} 8; done` },
        ]);
      }
    });

    it('may be query builders and raw fragments', async () => {
      const orm = await database.orm();
      const fleet = new Fleet(database, 'builders', 1);
      const insert = migration('0002', (self) => {
        const platform = orm.driver.getPlatform();
        self.addSql(platform.createNativeQueryBuilder().into('orders').insert({ id: 5, total: 6 }) as never);
      });
      await fleet.migrator({ database: orm, migrations: withHost(ORDERS, insert) }).up({ createSchema: true });
      expect(await database.query('SELECT * FROM builders_000.orders')).toEqual([{ id: 5, total: 6 }]);
    });

    it('know the tenant’s schema by config.get', async () => {
      const fleet = new Fleet(database, 'config', 1);
      const comment = migration('0002', (self) =>
        self.addSql(
          `COMMENT ON TABLE orders IS 'of ${(self as never as { config: Map<string, string> }).config.get('schema')}'`,
        ),
      );
      await fleet.migrator({ migrations: withHost(ORDERS, comment) }).up({ createSchema: true });
      expect(await database.query(`SELECT obj_description('config_000.orders'::regclass) AS text`)).toEqual([
        { text: 'of config_000' },
      ]);
    });

    it('find shared schemas after the tenant’s, and nothing else', async () => {
      const fleet = new Fleet(database, 'path', 1);
      await database.query(
        'CREATE SCHEMA common; CREATE TABLE common.rates (code text); CREATE TABLE public.strays (id int)',
      );
      const uses = (table: string) => statements('0001', [`CREATE TABLE mine AS SELECT * FROM ${table}`]);
      const migrator = (table: string) => fleet.migrator({ migrations: withHost(uses(table)), searchPath: ['common'] });
      expect((await migrator('strays').up({ createSchema: true })).failures[0]).toMatchObject({ sqlState: '42P01' });
      expect((await migrator('rates').up({ createSchema: true })).counts).toMatchObject({ migrated: 1 });
    });

    it.each([
      ['COMMIT', /ends a transaction/],
      ['/* now */ BEGIN', /begins or ends/],
      ['SET search_path TO public', /SET LOCAL/],
      ['SELECT pg_advisory_lock(1)', /pg_advisory_xact_lock/],
      ['CREATE TABLE x (a text); ROLLBACK', /ends a transaction/],
    ])('are refused where they would leave the transaction or the session changed: %s', async (sql, reason) => {
      const fleet = new Fleet(database, `unfit_${Buffer.from(sql).toString('hex').slice(0, 20)}`, 1);
      const report = await fleet
        .migrator({ migrations: withHost(statements('0001', [sql])) })
        .up({ createSchema: true });
      expect(report.failures).toMatchObject([{ code: 'MIGRATION_REFUSED', message: expect.stringMatching(reason) }]);
      expect(await schemaNames(database)).not.toContain(fleet.schemas[0]);
    });

    it('say what they need if there is only a pool', async () => {
      const fleet = new Fleet(database, 'noorm', 1);
      const asks = migration('0001', async (self) => void (await self.execute('SELECT 1')));
      const report = await fleet.migrator({ migrations: withHost(asks) }).up({ createSchema: true });
      expect(report.failures[0]!.message).toMatch(/Give it the MikroORM instance as `database`/);
    });
  });

  describe('status, plan and verify', () => {
    let fleet: Fleet;
    const everything = async () => {
      const schemas = (await schemaNames(database)).filter((name) => name.startsWith('look_'));
      return Promise.all(
        schemas.map(async (schema) => ({
          schema,
          catalog: await describeCatalog(database, schema),
          tables: await database.query(
            `SELECT c.oid, c.relname, c.relfilenode FROM pg_class c WHERE relnamespace = $1::regnamespace ORDER BY 1`,
            [schema],
          ),
        })),
      );
    };

    beforeAll(async () => {
      const entries = ['current', 'behind', 'python', 'virgin', 'missing', 'half', 'drifted', 'dropped', 'locked'];
      fleet = new Fleet(
        database,
        'look',
        entries.map((tenantId) => ({ tenantId })),
      );
      await Promise.all(
        [...fleet.schemas.filter((schema) => schema !== 'look_missing'), 'look_orphan'].map((schema) =>
          database.query(`CREATE SCHEMA ${schema}`),
        ),
      );
      const of = (...tenants: string[]) => ({ tenants });
      await fleet.migrator({ migrations: [prismiqUpTo(1)] }).up(of('behind', 'python'));
      await database.query('DROP TABLE look_python.prismiq_migrations');
      await fleet.migrator().up(of('current', 'drifted', 'dropped', 'locked'));
      await database.query('ALTER TABLE look_drifted.prismiq_widgets ALTER COLUMN title DROP NOT NULL');
      await database.query('DROP TABLE look_dropped.prismiq_widgets');
      await database.query('CREATE TABLE look_half.prismiq_saved_queries (LIKE look_current.prismiq_saved_queries)');
      await ensureTables(database.pool, { schema: 'look_orphan' });
    });

    it('show the state of each tenant', async () => {
      const status = await fleet.migrator().status();
      expect(status).toMatchObject({ total: 9, newest: { prismiq: V2 }, upToDate: false });
      expect(status.groups).toEqual([
        { version: { prismiq: V2 }, pending: [], unrecorded: [], unknown: [], tenants: ['current', 'locked'] },
        { version: { prismiq: V1 }, pending: [`prismiq:${V2}`], unrecorded: [], unknown: [], tenants: ['behind'] },
        {
          version: { prismiq: V1 },
          pending: [`prismiq:${V2}`],
          unrecorded: [`prismiq:${V1}`],
          unknown: [],
          tenants: ['python'],
        },
        {
          version: { prismiq: null },
          pending: [`prismiq:${V1}`, `prismiq:${V2}`],
          unrecorded: [],
          unknown: [],
          tenants: ['virgin'],
        },
      ]);
      expect(status.missing).toEqual([{ tenantId: 'missing', schema: 'look_missing' }]);
      expect(status.halfProvisioned.map(({ tenantId }) => tenantId)).toEqual(['half', 'dropped']);
      expect(status.drifted).toMatchObject([
        { tenantId: 'drifted', version: { prismiq: V2 }, differences: [{ table: 'prismiq_widgets', name: 'title' }] },
      ]);
      expect(status.unreadable).toEqual([]);
      expect(status.orphans).toContain('look_orphan');
      expect(status.orphans).not.toContain('look_current');
    });

    it('report a history that cannot be read, and read the others', async () => {
      const reader = `reader_of_${database.name}`;
      await database.query(`CREATE ROLE ${reader} LOGIN PASSWORD 'reader'`);
      await database.query(
        fleet.schemas
          .filter((schema) => schema !== 'look_missing')
          .map(
            (schema) =>
              `GRANT USAGE ON SCHEMA ${schema} TO ${reader}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${reader}`,
          )
          .join(';'),
      );
      await database.query(`REVOKE SELECT ON look_locked.prismiq_migrations FROM ${reader}`);
      const url = new URL(database.url);
      [url.username, url.password] = [reader, 'reader'];
      const pool = new Pool({ connectionString: url.href, max: 6 });
      try {
        const status = await fleet.migrator({ database: pool }).status();
        expect(status.unreadable).toMatchObject([{ tenantId: 'locked', message: expect.stringMatching(/privilege/) }]);
        expect(status.groups[0]!.tenants).toEqual(['current']);
      } finally {
        await pool.end();
        await database.query(`DROP OWNED BY ${reader}; DROP ROLE ${reader}`);
      }
    });

    it('show what would be done, for each group of tenants', async () => {
      const plan = await fleet.migrator().plan();
      expect(plan).toMatchObject({ direction: 'up', total: 9, affected: 4 });
      expect(plan.groups.map(({ tenants, schemaMissing }) => [tenants, schemaMissing])).toEqual([
        [['behind'], false],
        [['python'], false],
        [['virgin'], false],
        [['missing'], true],
      ]);
      expect(plan.groups[1]).toMatchObject({
        from: { prismiq: V1 },
        to: { prismiq: V2 },
        unrecorded: [`prismiq:${V1}`],
      });
      expect(plan.groups[0]!.migrations).toMatchObject([
        { source: 'prismiq', name: V2, transactional: true, dynamic: false },
      ]);
      expect(plan.groups[0]!.migrations[0]!.statements[0]).toEqual({
        sql: 'ALTER TABLE prismiq_dashboards ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1',
        destructive: false,
      });
      expect(plan.blocked.map(({ tenantId }) => tenantId)).toEqual(['half', 'drifted', 'dropped']);
    });

    it('flag statements that lose data, and migrations outside of the transaction', async () => {
      const host = [
        statements('0001', ['DROP TABLE IF EXISTS old', `INSERT INTO notes VALUES ('DROP TABLE x; -- not')`]),
        migration(
          '0002',
          (self) => self.addSql('CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON look_current.notes (id)'),
          {
            transactional: false,
          },
        ),
        migration('0003', async (self) => void (await self.execute('INSERT INTO notes VALUES (1)'))),
      ];
      const plan = await fleet
        .migrator({ database: await database.orm(), migrations: withHost(...host) })
        .plan({ tenants: ['current'] });
      expect(plan.groups[0]!.migrations).toMatchObject([
        {
          name: '0001',
          transactional: true,
          statements: [{ destructive: true, dataLoss: 'it drops a table' }, { destructive: false }],
        },
        { name: '0002', transactional: false },
        { name: '0003', dynamic: true, statements: [] },
      ]);
    });

    it('show what would be taken back', async () => {
      const plan = await fleet.migrator().plan({ direction: 'down', steps: 1, tenants: ['current', 'virgin'] });
      expect(plan).toMatchObject({ direction: 'down', affected: 1 });
      expect(plan.groups[0]).toMatchObject({ from: { prismiq: V2 }, to: { prismiq: V1 }, tenants: ['current'] });
      expect(plan.groups[0]!.migrations[0]!.statements.map(({ destructive }) => destructive)).toEqual([
        false,
        true,
        true,
      ]);
    });

    it('verify each tenant against its own version', async () => {
      const { total, findings } = await fleet.migrator().verify();
      expect(total).toBe(9);
      expect(findings.map(({ tenantId }) => tenantId)).toEqual(['missing', 'half', 'drifted', 'dropped']);
      expect(findings[2]!.message).toMatch(/column prismiq_widgets.title/);
    });

    it('write nothing', async () => {
      const before = await everything();
      const migrator = fleet.migrator({ database: await database.orm(), migrations: withHost(ORDERS) });
      await migrator.status();
      await migrator.plan();
      await migrator.verify();
      expect(await everything()).toEqual(before);
    });
  });

  describe('adoption', () => {
    it('records the version of tables without a history, and continues from there', async () => {
      const fleet = new Fleet(database, 'adopt', [{ tenantId: 'v1' }, { tenantId: 'v2' }, { tenantId: 'odd' }]);
      await fleet.migrator({ migrations: [prismiqUpTo(1)] }).up({ tenants: ['v1'], createSchema: true });
      await fleet.migrator().up({ tenants: ['v2', 'odd'], createSchema: true });
      await database.query(fleet.schemas.map((schema) => `DROP TABLE ${schema}.prismiq_migrations`).join(';'));
      await database.query('ALTER TABLE adopt_odd.prismiq_widgets ALTER COLUMN type TYPE text');
      const before = await describeCatalog(database, 'adopt_odd');

      const log = new Log();
      await fleet.migrator().up({ ...log, onError: 'continue' });
      expect(log.result('v1')).toMatchObject({
        state: 'migrated',
        from: { prismiq: V1 },
        migrations: [`prismiq:${V2}`],
      });
      expect(log.result('v2')).toMatchObject({
        state: 'baselined',
        from: { prismiq: V2 },
        to: { prismiq: V2 },
        migrations: [],
      });
      expect(log.result('odd')).toMatchObject({
        state: 'failed',
        code: 'SCHEMA_MISMATCH',
        message: expect.stringContaining(
          'column prismiq_widgets.type: expected character varying(50) not null, found text',
        ),
      });
      expect(await readHistory('adopt_v1')).toEqual([V1, V2]);
      expect(await readHistory('adopt_v2')).toEqual([V1, V2]);
      expect(await describeCatalog(database, 'adopt_odd')).toEqual(before);
    });

    it('completes a half-provisioned schema whose tables match', async () => {
      const fleet = new Fleet(database, 'complete', 1);
      await fleet.migrator({ migrations: [prismiqUpTo(1)] }).up({ createSchema: true });
      await database.query('DROP TABLE complete_000.prismiq_migrations, complete_000.prismiq_widgets');
      expect((await fleet.migrator().up()).counts).toMatchObject({ migrated: 1 });
      expect(await describeCatalog(database, 'complete_000')).toEqual(TABLES_MD);
    });

    it('reports a history whose tables are gone, instead of nothing to do', async () => {
      const fleet = new Fleet(database, 'gone', 1);
      await fleet.migrator().up({ createSchema: true });
      await database.query('DROP TABLE gone_000.prismiq_widgets');
      const { failures } = await fleet.migrator().up();
      expect(failures[0]).toMatchObject({
        code: 'SCHEMA_MISMATCH',
        message: expect.stringContaining('table prismiq_widgets'),
      });
    });
  });

  describe('down', () => {
    it('takes back steps, and refuses to lose data without being told to', async () => {
      const fleet = new Fleet(database, 'down', 2);
      const migrator = fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) });
      await migrator.up({ createSchema: true });
      const before = await describeCatalog(database, 'down_000');
      const refused = await migrator.down({ source: 'host', steps: 1, concurrency: 1 });
      expect(refused.failures[0]).toMatchObject({
        code: 'DATA_LOSS',
        message: expect.stringContaining('DROP COLUMN currency'),
      });
      expect(refused.counts).toMatchObject({ failed: 1, skipped: 1 });
      expect(await describeCatalog(database, 'down_000')).toEqual(before);

      const log = new Log();
      await migrator.down({ ...log, source: 'host', steps: 1, allowDataLoss: true });
      expect(log.result('001')).toMatchObject({
        state: 'reverted',
        from: { host: '0002_currency' },
        to: { host: '0001_orders', prismiq: V2 },
      });
      await migrator.down({ to: V1, allowDataLoss: true });
      expect(await readHistory('down_000')).toEqual([V1]);
      expect(await readHistory('down_000', 'mikro_orm_migrations')).toEqual(['0001_orders']);
      await migrator.down({ source: 'prismiq', to: 0, allowDataLoss: true });
      expect((await describeCatalog(database, 'down_000')).some((line) => line.includes('prismiq'))).toBe(false);
      await migrator.up();
      expect((await migrator.status()).upToDate).toBe(true);
    });

    it('needs a target', async () => {
      const migrator = new Fleet(database, 'far', 1).migrator({ migrations: withHost(ORDERS) });
      await expect(migrator.down({ steps: 1 })).rejects.toThrow(/there are several sources/);
      await expect(migrator.down({ source: 'host' })).rejects.toThrow(/either `to` or `steps`/);
      await expect(migrator.down({ source: 'nobody', steps: 1 })).rejects.toThrow(MigrationTargetError);
    });

    it('does not step over migrations of a newer version', async () => {
      const fleet = new Fleet(database, 'over', 1);
      await fleet.migrator().up({ createSchema: true });
      const { failures } = await fleet
        .migrator({ migrations: [prismiqUpTo(1)] })
        .down({ steps: 1, allowDataLoss: true });
      expect(failures[0]).toMatchObject({ code: 'MIGRATION_TARGET', message: expect.stringContaining(V2) });
    });
  });

  describe('rings and selections', () => {
    const ringed = (prefix: string) =>
      new Fleet(database, prefix, [
        { tenantId: 'late1' },
        { tenantId: 'early1', ring: 'early', tags: ['eu'] },
        { tenantId: 'canary1', ring: 'canary', tags: ['eu', 'free'] },
        { tenantId: 'late2', ring: 'unnamed' },
        { tenantId: 'canary2', ring: 'canary' },
      ]);
    const RINGS = ['canary', 'early'];

    it('go in order, with a check between them', async () => {
      const fleet = ringed('rings');
      const log = new Log();
      const checked: (string | undefined)[] = [];
      const report = await fleet.migrator({ rings: RINGS }).up({
        ...log,
        createSchema: true,
        betweenRings: async ({ ring, counts }) => void checked.push(`${ring} ${counts.migrated}`),
      });
      expect(log.of('ring-finished').map(({ ring, total }) => [ring, total])).toEqual([
        ['canary', 2],
        ['early', 1],
        [undefined, 2],
      ]);
      expect(log.results.slice(0, 2).every(({ ring }) => ring === 'canary')).toBe(true);
      expect(checked).toEqual(['canary 2', 'early 1']);
      expect(report.counts.migrated).toBe(5);
    });

    it.each([
      ['fails', { onError: 'continue' as const }, 'failure'],
      ['is not passed', { betweenRings: () => false }, 'check'],
      ['throws', { betweenRings: () => Promise.reject(new Error('error rate is up')) }, 'check'],
    ])('end after a ring that %s', async (how, options, reason) => {
      const fleet = ringed(`end_${how.replaceAll(' ', '_')}`);
      if (how === 'fails') {
        await database.query(
          `CREATE SCHEMA ${fleet.schemaFor('canary1')}; CREATE VIEW ${fleet.schemaFor('canary1')}.prismiq_dashboards AS SELECT 1`,
        );
      }
      const report = await fleet.migrator({ rings: RINGS }).up({ ...options, createSchema: true });
      expect(report.stopped).toMatchObject({ reason });
      expect(report.counts).toMatchObject({ migrated: how === 'fails' ? 1 : 2, skipped: 3 });
    });

    it('select by id, pattern, ring and tag', async () => {
      const migrator = ringed('select').migrator();
      const total = async (selection: object) => (await migrator.plan(selection)).total;
      expect(await total({ tenants: ['canary*'] })).toBe(2);
      expect(await total({ tenants: ['late?', 'early1'] })).toBe(3);
      expect(await total({ rings: ['canary'] })).toBe(2);
      expect(await total({ tags: ['eu'], rings: ['canary'] })).toBe(1);
      for (const selection of [{ tenants: ['nobody'] }, { tenants: ['x*'] }, { rings: ['canry'] }, { tags: ['us'] }]) {
        await expect(migrator.up(selection)).rejects.toThrow(TenantSelectionError);
      }
    });
  });

  describe('options', () => {
    it('are checked', () => {
      const make = (options: object) => () => new TenantMigrator({ database: database.pool, ...options });
      expect(make({ database: new Client() })).toThrow(InvalidOptionsError);
      expect(make({ lockTimeoutMs: 0 })).toThrow(
        /TenantMigrator: option `lockTimeoutMs` must be a whole number from 1/,
      );
      expect(make({ retries: -1 })).toThrow(InvalidOptionsError);
    });

    it('of a run are checked before anything is done', async () => {
      const migrator = new Fleet(database, 'checked', 1).migrator();
      await expect(migrator.up({ concurrency: 0 })).rejects.toThrow(/concurrency/);
      await expect(migrator.up({ onError: 'ignore' as never })).rejects.toThrow(/onError/);
      const twice = { migrations: [prismiqMigrations(), hostMigrations({ tableName: PRISMIQ_HISTORY_TABLE })] };
      await expect(new Fleet(database, 'checked', 1).migrator(twice).up()).rejects.toThrow(/two of the history table/);
    });

    it('without a directory, tenants are those whose schemas hold tables', async () => {
      await ensureTables(database.pool, { schema: 'found_acme', createSchema: true });
      const migrator = new TenantMigrator({ database: database.pool, schemaFor: (id) => `found_${id}` });
      expect((await migrator.status()).groups[0]!.tenants).toEqual(['acme']);
    });

    it('come from the module’s, in Nest', async () => {
      const boot = (module: DynamicModule) =>
        NestFactory.createApplicationContext(
          { module: class Host {}, imports: [ormModule(database), module] },
          { logger: false, abortOnError: false },
        );
      const app = await boot(
        PrismiqModule.forRoot({
          schemaFor: (id) => `nest_${id}`,
          directory: tenantsFromList([{ tenantId: 'acme', ring: 'canary' }, { tenantId: 'globex' }]),
          migrator: { migrations: withHost(ORDERS), rings: ['canary'] },
        }),
      );
      const log = new Log();
      await app.get(TenantMigrator).up({ ...log, createSchema: true, concurrency: 1 });
      expect(log.results.map(({ schema, to }) => [schema, to.host])).toEqual([
        ['nest_acme', '0001_orders'],
        ['nest_globex', '0001_orders'],
      ]);
      await app.close();
      const wrong = { migrator: { ring: ['canary'] } } as never;
      expect(() => PrismiqModule.forRoot(wrong)).toThrow(/option `migrator.ring` is unknown/);
      await expect(boot(PrismiqModule.forRoot({ migrator: { retries: -1 } }))).rejects.toThrow(
        /TenantMigrator: option `retries`/,
      );
    });

    it('an unreachable server is reported', async () => {
      const pool = new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/nothing' });
      await expect(new TenantMigrator({ database: pool }).up()).rejects.toThrow(/Cannot (reach|list)|could not|failed/);
      await pool.end();
    });

    it('an onEvent that throws ends the run with its error', async () => {
      const fleet = new Fleet(database, 'throws', 5);
      const onEvent = () => {
        throw new Error('the log is full');
      };
      await expect(fleet.migrator().up({ onEvent, createSchema: true })).rejects.toThrow('the log is full');
    });

    it('a failing directory fails the call', async () => {
      const list = () => {
        throw new Error('no such table');
      };
      const migrator = new TenantMigrator({ database: database.pool, directory: { find: () => undefined, list } });
      await expect(migrator.status()).rejects.toThrow(/no such table/);
    });

    it('an unusable entry of the directory is one failed tenant', async () => {
      const entries = [{ tenantId: 'big-corp' }, { tenantId: 'acme' }, { tenantId: '' }];
      const migrator = new TenantMigrator({
        database: database.pool,
        directory: { find: () => undefined, list: () => entries },
        schemaFor: (id) => `entry_${id}`,
      });
      const log = new Log();
      const report = await migrator.up({ ...log, createSchema: true, onError: 'continue' });
      expect(report.counts).toMatchObject({ migrated: 1, failed: 2 });
      expect(log.result('big-corp')).toMatchObject({
        state: 'failed',
        code: 'INVALID_TENANT_ID',
        message: expect.stringContaining('no valid schema name'),
      });
      const status = await migrator.status();
      expect(status.unreadable.map(({ tenantId }) => tenantId)).toEqual(['big-corp', '']);
      expect(status.upToDate).toBe(false);
      expect((await migrator.verify()).findings).toHaveLength(2);
      expect((await migrator.plan()).blocked).toHaveLength(2);
      expect((await migrator.tenants()).map(({ state }) => state)).toEqual(['invalid', 'active', 'invalid']);
      expect((await migrator.up({ tenants: ['acme'] })).counts).toMatchObject({ unchanged: 1, failed: 0 });
    });
  });
});
