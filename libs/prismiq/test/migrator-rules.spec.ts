import { Pool } from 'pg';
import { describeCatalog } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { readStatements, type Statement } from '../src/sql/statements/statement.js';
import { CURRENCY, Fleet, migration, ORDERS, statements, withHost } from './support/fleet.js';

/** A call of `query`, as `pg` got it. */
interface Call {
  text: string;
  values: unknown[];
  named: boolean;
}

interface QueryConfig {
  text: string;
  values?: unknown[];
  name?: string;
  submit?: (connection: Parsing) => unknown;
}
interface Parsing {
  parse(message: { text: string }): void;
}

/**
 * A pool that notes what it sends. Not the settings of an index build: they change the session, and are reset before a pooler gives
 * the connection to another client, as the specs of PgBouncer show.
 */
function listening(url: string): { pool: Pool; calls: Call[] } {
  const pool = new Pool({ connectionString: url, max: 6 });
  const calls: Call[] = [];
  const note = (text: string, values: unknown, name?: string) => {
    if (!text.includes('pg_catalog.set_config(setting.name')) {
      calls.push({ text, values: Array.isArray(values) ? values : [], named: name !== undefined });
    }
  };
  pool.on('connect', (client) => {
    const { query } = client;
    client.query = function (this: unknown, ...args: unknown[]) {
      const [config, values] = args as [string | QueryConfig, unknown[]?];
      if (typeof config === 'string') {
        note(config, values);
      } else if (config.text !== undefined) {
        note(config.text, values ?? config.values, config.name);
      } else {
        const submit = config.submit!.bind(config);
        config.submit = (connection) =>
          submit(
            Object.assign(Object.create(connection) as Parsing, {
              parse(message: { text: string }) {
                note(message.text, []);
                connection.parse(message);
              },
            }),
          );
      }
      return Reflect.apply(query, this, args);
    } as typeof query;
  });
  return { pool, calls };
}

/** The rules of `tables.md` that a statement breaks. */
function findBreaches({ sql, kind, forbiddenReason }: Statement): string[] {
  const isTransactionStatement = kind === 'TransactionStmt';
  const rules: [string, boolean][] = [
    ['unknown', kind === undefined],
    [
      'a trigger, a function or a DO block',
      ['CreateTrigStmt', 'CreateEventTrigStmt', 'CreateFunctionStmt', 'DoStmt'].includes(kind!),
    ],
    ['serial', /\b(small|big)?serial[248]?\b/i.test(sql)],
    ['a change of the session', forbiddenReason !== undefined && !isTransactionStatement],
    ['a cursor', kind === 'DeclareCursorStmt'],
    ['clock_timestamp()', /\bclock_timestamp\b/i.test(sql)],
  ];
  return rules.filter(([, isBroken]) => isBroken).map(([rule]) => `${rule}: ${sql}`);
}

describe('the statements that are sent', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  const FILLED = statements('0003_filled', [
    `INSERT INTO orders (id, total) VALUES (1, 2); UPDATE orders SET total = 3 -- ; not the end
     WHERE id = 1; CREATE INDEX IF NOT EXISTS orders_currency ON orders (currency) -- and that is all`,
    'ALTER TABLE orders ADD COLUMN after_comment text',
  ]);
  const INDEX = migration(
    '0004_index',
    (self) => {
      const { config } = self as unknown as { config: { get(key: string): string } };
      self.addSql(`CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_both ON ${config.get('schema')}.orders (id, total)`);
    },
    { transactional: false },
  );

  /** All that a migrator does, with what it sends. */
  async function everything(prefix: string): Promise<{ calls: Call[]; fleet: Fleet }> {
    const { pool, calls } = listening(database.url);
    const fleet = new Fleet(database, prefix, 3);
    const migrator = fleet.migrator({
      database: pool,
      migrations: withHost(ORDERS, CURRENCY, FILLED, INDEX),
      citusSchemaBasedSharding: true,
    });
    expect((await migrator.up({ createSchema: true, concurrency: 2 })).failures).toEqual([]);
    await migrator.status();
    await migrator.plan();
    await migrator.verify();
    await database.query(`DROP TABLE ${fleet.schemas[0]}.prismiq_migrations`);
    expect((await migrator.up()).counts).toMatchObject({ baselined: 1, unchanged: 2 });
    expect((await migrator.down({ to: 'prismiq_0001_tables', allowDataLoss: true })).counts).toMatchObject({
      reverted: 3,
    });
    expect((await migrator.up()).counts).toMatchObject({ migrated: 3 });
    await pool.end();
    return { calls, fleet };
  }

  let plain: Awaited<ReturnType<typeof everything>>;

  it('obey the rules, whatever a migrator does', async () => {
    plain = await everything('plain');
    const sent = plain.calls.flatMap(({ text }) => readStatements(text));
    expect(sent.length).toBeGreaterThan(100);
    expect(sent.flatMap(findBreaches)).toEqual([]);
    expect(plain.calls.filter(({ named }) => named)).toEqual([]);
    expect(sent.filter(({ sql }) => /citus/.test(sql) && !/pg_extension/.test(sql))).toEqual([]);
    // In few calls: a tenant's transaction is one, or three where its tables are verified inside.
    expect(plain.calls.some(({ text }) => readStatements(text).length > 20)).toBe(true);
  });

  it('are sent one at a time on Citus, with the same catalog', async () => {
    // What the migrator looks for; the extension itself is on no machine that runs these tests.
    await database.query(
      `SET allow_system_table_mods = on;
       INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES (99999, 'citus', 10, 11, false, '13.2');
       RESET allow_system_table_mods`,
    );
    const { calls, fleet } = await everything('citus');
    expect(calls.flatMap(({ text }) => readStatements(text)).flatMap(findBreaches)).toEqual([]);
    expect(calls.filter(({ text }) => readStatements(text).length > 1)).toEqual([]);
    expect(calls.filter(({ named }) => named)).toEqual([]);
    const texts = calls.map(({ text }) => text);
    const sharding = texts.indexOf('SET LOCAL citus.enable_schema_based_sharding = on');
    expect(sharding).toBeGreaterThan(0);
    expect(texts.findIndex((text) => text.startsWith('CREATE SCHEMA'))).toBeGreaterThan(sharding);
    for (const [index, schema] of fleet.schemas.entries()) {
      expect(await describeCatalog(database, schema)).toEqual(
        await describeCatalog(database, plain.fleet.schemas[index]!),
      );
    }
  });

  it('work for a role that is not a superuser and owns its schemas', async () => {
    const role = `owner_of_${database.name}`;
    await database.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'owner'; GRANT CREATE ON DATABASE ${database.name} TO ${role}`,
    );
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'owner'];
    const pool = new Pool({ connectionString: url.href, max: 6 });
    const fleet = new Fleet(database, 'owned', 2);
    const migrator = fleet.migrator({ database: pool, migrations: withHost(ORDERS, CURRENCY, INDEX) });
    expect((await migrator.up({ createSchema: true })).failures).toEqual([]);
    expect((await migrator.status()).upToDate).toBe(true);
    await pool.end();
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});
