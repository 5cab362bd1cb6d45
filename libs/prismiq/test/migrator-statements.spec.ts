import type { Migration } from '@mikro-orm/migrations';
import { Pool } from 'pg';
import { describeCatalog } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { Fleet, migration, ORDERS, statements, withHost } from './support/fleet.js';

describe('a statement of a migration', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());
  let fleets = 0;
  const newFleet = () => new Fleet(database, `said_${(fleets += 1)}`, 1);

  it.each([
    ['UPDATE orders SET total = NULL', 'overwrites values'],
    ['MERGE INTO orders o USING (VALUES (1)) v(id) ON v.id = o.id WHEN MATCHED THEN DELETE', 'deletes rows'],
    ['DROP EXTENSION IF EXISTS nothing CASCADE', 'drops an extension'],
    ['DROP OWNED BY nobody', 'everything that a role owns'],
    ['ALTER TYPE pair DROP ATTRIBUTE b', 'drops a column'],
    [`DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'orders'; END $$`, 'cannot be read'],
    ['SELECT empty_orders()', 'calls empty_orders()'],
    ['CALL empty_orders()', 'calls a procedure'],
  ])('that may lose data is not taken back with: %s', async (sql, reason) => {
    const fleet = newFleet();
    const migrator = fleet.migrator({ migrations: withHost(ORDERS, statements('0002', ['SELECT 1'], [sql])) });
    await migrator.up({ createSchema: true });
    const { failures } = await migrator.down({ source: 'host', steps: 1 });
    expect(failures).toMatchObject([{ code: 'DATA_LOSS', message: expect.stringContaining(reason) }]);
  });

  it('that keeps all data is taken back', async () => {
    const fleet = newFleet();
    const ADDED = statements(
      '0002',
      [
        'CREATE INDEX orders_both ON orders (id, total); ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0)',
        'ALTER TABLE orders ALTER total SET DEFAULT 1; CREATE VIEW sums AS SELECT sum(total) FROM orders',
        `CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'`,
      ],
      [
        'DROP FUNCTION twice; DROP VIEW sums; ALTER TABLE orders ALTER total DROP DEFAULT, DROP CONSTRAINT positive',
        'DO $$ BEGIN IF EXISTS (SELECT 1 FROM orders) THEN DROP INDEX IF EXISTS orders_both; END IF; DROP INDEX IF EXISTS orders_both; END $$',
      ],
    );
    await fleet.migrator({ migrations: withHost(ORDERS) }).up({ createSchema: true });
    const before = await describeCatalog(database, fleet.schemas[0]!);
    const migrator = fleet.migrator({ migrations: withHost(ORDERS, ADDED) });
    expect((await migrator.up()).failures).toEqual([]);
    expect((await migrator.down({ source: 'host', steps: 1 })).counts).toMatchObject({ reverted: 1 });
    expect(await describeCatalog(database, fleet.schemas[0]!)).toEqual(before);
  });

  it.each([
    ['CREATE TEMP TABLE orders (id int)', /ON COMMIT DROP/],
    ['CREATE TABLE pg_temp.orders (id int)', /ON COMMIT DROP/],
    ['SELECT 1 AS id INTO TEMP orders', /ON COMMIT DROP/],
    ['CREATE TEMP VIEW orders AS SELECT 1 AS id', /ON COMMIT DROP/],
    [`SELECT set_config('search_path', 'public', false)`, /set_config\(…, …, true\)/],
    [`DO $$ BEGIN PERFORM set_config('search_path', 'public', false); END $$`, /set_config\(…, …, true\)/],
    ['DO $$ BEGIN CREATE TEMP TABLE orders (id int); END $$', /ON COMMIT DROP/],
    ['PREPARE p AS SELECT 1', /pooler/],
    ['DISCARD ALL', /changes the session/],
    ['LISTEN c', /changes the session/],
    ['RESET search_path', /SET LOCAL/],
  ])('that changes the session is refused, with the way out: %s', async (sql, reason) => {
    const fleet = newFleet();
    const report = await fleet.migrator({ migrations: withHost(statements('0001', [sql])) }).up({ createSchema: true });
    expect(report.failures).toMatchObject([{ code: 'MIGRATION_REFUSED', message: expect.stringMatching(reason) }]);
  });

  it('may use temporary tables that end with the transaction', async () => {
    const fleet = newFleet();
    const uses = statements('0001', [
      'CREATE TEMP TABLE scratch (id int) ON COMMIT DROP; INSERT INTO scratch VALUES (1); SELECT id INTO mine FROM scratch',
    ]);
    expect((await fleet.migrator({ migrations: withHost(uses) }).up({ createSchema: true })).failures).toEqual([]);
  });

  describe('that a migration sends itself', () => {
    type Send = (self: Migration, sql: string) => Promise<void>;
    const ways: [string, Send][] = [
      ['execute', async (self, sql) => void (await self.execute(sql))],
      ['an EntityManager', async (self, sql) => void (await self.getEntityManager().execute(sql))],
      [
        'a transaction in the transaction',
        (self, sql) => self.getEntityManager().transactional(async (em) => void (await em.execute(sql))),
      ],
      [
        'Kysely',
        async (self, sql) => {
          const query = { sql, parameters: [], query: { kind: 'RawNode' }, queryId: { queryId: '' } };
          await self
            .getEntityManager()
            .getKysely()
            .executeQuery(query as never);
        },
      ],
    ];
    const run = async (send: Send, up: string, down: string) => {
      const fleet = newFleet();
      const migrator = fleet.migrator({
        database: await database.orm(),
        migrations: withHost(
          ORDERS,
          migration('0002', (self) => send(self, up), {
            down: (self) => send(self, down),
          }),
        ),
      });
      const { failures } = await migrator.up({ createSchema: true });
      return { failures, down: () => migrator.down({ source: 'host', steps: 1 }), schema: fleet.schemas[0]! };
    };

    it.each(ways)('is checked as well: by %s', async (_, send) => {
      const refused = await run(send, 'CREATE TEMP TABLE t (id int)', '');
      expect(refused.failures).toMatchObject([
        { code: 'MIGRATION_REFUSED', message: expect.stringContaining('ON COMMIT DROP') },
      ]);

      const { failures, down, schema } = await run(
        send,
        'INSERT INTO orders VALUES (1, 2)',
        'UPDATE orders SET total = NULL',
      );
      expect(failures).toEqual([]);
      expect((await down()).failures).toMatchObject([{ code: 'DATA_LOSS' }]);
      expect(await database.query(`SELECT total FROM ${schema}.orders`)).toEqual([{ total: 2 }]);
    });
  });

  it('that the grammar does not know is sent alone', async () => {
    const texts: string[] = [];
    const pool = new Pool({ connectionString: database.url, max: 6 });
    pool.on('connect', (client) => {
      const { query } = client;
      client.query = function (this: unknown, ...args: unknown[]) {
        texts.push(typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text);
        return Reflect.apply(query, this, args);
      } as typeof query;
    });
    const fleet = newFleet();
    const odd = statements('0001', ['CREATE TABLE a (id int)', 'REPACK TABLE a', 'CREATE TABLE b (id int)']);
    const plan = await fleet.migrator({ migrations: withHost(odd) }).plan();
    expect(plan.groups[0]!.migrations.at(-1)!.statements).toMatchObject([
      { destructive: false },
      { unchecked: true, dataLoss: expect.stringContaining('cannot be read') },
      { destructive: false },
    ]);
    const { failures } = await fleet.migrator({ database: pool, migrations: withHost(odd) }).up({ createSchema: true });
    await pool.end();
    // No server of today knows it.
    expect(failures).toMatchObject([{ sqlState: '42601', message: expect.stringContaining('REPACK TABLE a') }]);
    expect(texts.filter((text) => text.includes('REPACK'))[0]).toBe('REPACK TABLE a');
  });
});
